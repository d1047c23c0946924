//! Settings of client connections.

use std::{num::NonZeroUsize, time::Duration};

use clap::Args;

use crate::setting::{self, HOUR, MILLISECOND, duration, number};

/// Limits on the connections of clients.
#[derive(Args, Clone, Debug)]
pub struct ConnectionLimits {
    /// Maximum number of client connections; further ones are refused with 503, except for health checks
    #[arg(
        long = "max-connections",
        env = "MAX_CONNECTIONS",
        value_name = "NUMBER",
        default_value = "4096",
        value_parser = number(1..=1_000_000_usize)
    )]
    pub connections: usize,
    /// Maximum number of connections from one IP address, other than those of `TRUSTED_PROXIES`; further ones are closed
    /// immediately; 0 means no limit [default: a quarter of `MAX_CONNECTIONS`]
    #[arg(
        long = "max-connections-per-address",
        env = "MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "NUMBER",
        value_parser = number(0..=1_000_000_usize)
    )]
    pub connections_per_address: Option<usize>,
    /// Maximum time for a client to send a request's head, from its first byte; for a connection's first request, from when
    /// the connection was opened
    #[arg(
        long = "header-timeout",
        env = "HEADER_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub header_timeout: Duration,
    /// Maximum time for a client to send a request's body
    #[arg(
        long = "body-timeout",
        env = "BODY_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub body_timeout: Duration,
    /// Maximum time that a connection may be idle between requests; choose more than the proxy in front
    #[arg(
        long = "idle-timeout",
        env = "IDLE_TIMEOUT",
        value_name = "DURATION",
        default_value = "75s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub idle_timeout: Duration,
    /// Maximum time that a client may stop reading a response before its connection is closed
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
    /// The limit per address; `None` for no limit.
    #[must_use]
    pub fn per_address(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.connections_per_address.unwrap_or(self.connections.div_ceil(4)))
    }

    /// For a connection above the limit, which gets only one response.
    pub(crate) fn of_reserve(&self) -> Self {
        Self { idle_timeout: Duration::ZERO, ..self.shortened() }
    }

    /// For the port of metrics and probes.
    pub(crate) fn of_operators(&self) -> Self {
        Self { connections: 64, connections_per_address: Some(0), ..self.shortened() }
    }

    fn shortened(&self) -> Self {
        const MAX: Duration = Duration::from_secs(2);
        let at_most = |limit: Duration| limit.min(MAX);
        Self {
            header_timeout: at_most(self.header_timeout),
            body_timeout: at_most(self.body_timeout),
            send_timeout: at_most(self.send_timeout),
            ..self.clone()
        }
    }
}
