//! What clients may keep open, and for how long.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

use crate::setting::{self, HOUR, MILLISECOND, duration, number};

/// Limits on the connections of clients.
#[derive(Args, Clone, Debug)]
pub struct ConnectionLimits {
    /// Maximum number of client connections; those above it are refused with 503, except for health checks
    #[arg(
        long = "max-connections",
        env = "MAX_CONNECTIONS",
        value_name = "NUMBER",
        default_value = "4096",
        value_parser = number(1..=1_000_000_usize)
    )]
    pub connections: usize,
    /// Maximum number of connections from one IP address, but for those of `TRUSTED_PROXIES`; others are closed at once, and 0
    /// sets no limit [default: a quarter of `MAX_CONNECTIONS`]
    #[arg(
        long = "max-connections-per-address",
        env = "MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "NUMBER",
        value_parser = number(0..=1_000_000_usize)
    )]
    pub connections_per_address: Option<usize>,
    /// Maximum time to send a request's head, counted from its first byte, or from the opening of the connection
    /// for the first request
    #[arg(
        long = "header-timeout",
        env = "HEADER_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub header_timeout: Duration,
    /// Maximum time to send a request's body
    #[arg(
        long = "body-timeout",
        env = "BODY_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub body_timeout: Duration,
    /// How long a connection may stay open without a request; choose more than a proxy in front has
    #[arg(
        long = "idle-timeout",
        env = "IDLE_TIMEOUT",
        value_name = "DURATION",
        default_value = "75s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub idle_timeout: Duration,
    /// How long a client may read nothing of what is sent to it, before its connection is closed
    #[arg(
        long = "send-timeout",
        env = "SEND_TIMEOUT",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub send_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        setting::defaults()
    }
}

impl ConnectionLimits {
    /// The most connections of one address; `None` for any number.
    #[must_use]
    pub fn per_address(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.connections_per_address.unwrap_or(self.connections.div_ceil(4)))
    }

    /// For a connection above the limit, which is kept for one response only.
    pub(crate) fn of_reserve(&self) -> Self {
        Self { idle_timeout: Duration::ZERO, ..self.in_haste() }
    }

    /// For a port that only operators reach.
    pub(crate) fn of_operators(&self) -> Self {
        Self { connections: 64, connections_per_address: Some(0), ..self.in_haste() }
    }

    fn in_haste(&self) -> Self {
        const LONGEST: Duration = Duration::from_secs(2);
        let at_most = |limit: Duration| limit.min(LONGEST);
        Self {
            header_timeout: at_most(self.header_timeout),
            body_timeout: at_most(self.body_timeout),
            send_timeout: at_most(self.send_timeout),
            ..self.clone()
        }
    }
}
