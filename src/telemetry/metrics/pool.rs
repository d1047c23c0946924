//! Database connections, updated when metrics are scraped.

use metrics::gauge;

pub(super) const MAX: &str = "tandem_db_connections_max";
pub(super) const CONNECTIONS: &str = "tandem_db_connections";
pub(super) const WAITING: &str = "tandem_db_waiting";
pub(super) const NODES_AWAY: &str = "tandem_db_nodes_away";

/// The connections of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUsage {
    /// The maximum number.
    pub max: u32,
    /// Used by a transaction.
    pub in_use: u32,
    /// Ready for one.
    pub idle: u32,
    /// Transactions waiting for one.
    pub waiting: u32,
}

/// Sets the gauges of the pool.
pub(crate) fn pool_used(usage: PoolUsage) {
    gauge!(MAX).set(usage.max);
    gauge!(CONNECTIONS, "state" => "in_use").set(usage.in_use);
    gauge!(CONNECTIONS, "state" => "idle").set(usage.idle);
    gauge!(WAITING).set(usage.waiting);
}

/// Sets the number of nodes of a distributed database that don't respond.
pub(crate) fn nodes_away(count: usize) {
    gauge!(NODES_AWAY).set(u32::try_from(count).unwrap_or(u32::MAX));
}
