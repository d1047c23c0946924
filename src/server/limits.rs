//! What clients may keep open, and for how long.

use std::time::Duration;

/// Limits on the connections of clients.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// The most connections that are served at once. Those above it are refused.
    pub connections: usize,
    /// How long a client may take to send a request's head, counted from its first byte; for the first request of a
    /// connection from when it was opened.
    pub header_timeout: Duration,
    /// How long a client may take to send a request's body.
    pub body_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
        }
    }
}

impl ConnectionLimits {
    /// For a connection above the limit, which is kept for one answer only.
    pub(super) fn of_reserve(&self) -> Self {
        const LONGEST: Duration = Duration::from_secs(2);
        let at_most = |limit: Duration| limit.min(LONGEST);
        Self {
            connections: self.connections,
            header_timeout: at_most(self.header_timeout),
            body_timeout: at_most(self.body_timeout),
            idle_timeout: Duration::ZERO,
        }
    }
}
