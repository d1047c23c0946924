//! The connections to the database, as they are when somebody asks.

use metrics::gauge;

pub(super) const MAX: &str = "tandem_db_connections_max";
pub(super) const CONNECTIONS: &str = "tandem_db_connections";
pub(super) const WAITING: &str = "tandem_db_waiting";
pub(super) const NODES_AWAY: &str = "tandem_db_nodes_away";

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUsage {
    /// How many there may be.
    pub max: u32,
    /// How many are used by a transaction.
    pub in_use: u32,
    /// How many are ready for one.
    pub idle: u32,
    /// How many transactions wait for one.
    pub waiting: u32,
}

/// Sets what the next scrape shows.
pub(crate) fn pool_used(usage: PoolUsage) {
    gauge!(MAX).set(usage.max);
    gauge!(CONNECTIONS, "state" => "in_use").set(usage.in_use);
    gauge!(CONNECTIONS, "state" => "idle").set(usage.idle);
    gauge!(WAITING).set(usage.waiting);
}

/// Sets how many nodes of a distributed database don't answer.
pub(crate) fn nodes_away(count: usize) {
    gauge!(NODES_AWAY).set(u32::try_from(count).unwrap_or(u32::MAX));
}
