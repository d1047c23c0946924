//! Client connections.

use metrics::{Counter, Gauge, counter, gauge};

use super::{Limit, limit_hit, recorder};

pub(super) const OPEN: &str = "tandem_connections";
pub(super) const REFUSED: &str = "tandem_connections_refused_total";

pub(super) struct Connections {
    open: Gauge,
    refused: Counter,
}

impl Connections {
    pub(super) fn register() -> Self {
        Self { open: gauge!(OPEN), refused: counter!(REFUSED) }
    }
}

/// Counts an open connection until dropped.
pub(crate) struct OpenConnection;

/// Counts a connection as open while the result lives.
pub(crate) fn connection_opened() -> OpenConnection {
    if let Some(recorder) = recorder() {
        recorder.connections.open.increment(1);
    }
    OpenConnection
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some(recorder) = recorder() {
            recorder.connections.open.decrement(1);
        }
    }
}

/// Counts a connection that was closed without a response.
pub(crate) fn connection_refused() {
    if let Some(recorder) = recorder() {
        recorder.connections.refused.increment(1);
    }
    limit_hit(Limit::Connections);
}
