//! How to reach the database, and for how long.

use std::time::Duration;

use chrono::TimeDelta;

use super::connection::target::Target;

/// How the database is reached and how long anything may take.
#[derive(Clone, Debug)]
pub struct DbConfig {
    /// Which database.
    pub target: Target,
    /// The most connections at once.
    pub pool_size: u32,
    /// The most transactions of one user at once.
    pub transactions_per_user: u32,
    /// How long a request waits for a connection.
    pub checkout_timeout: Duration,
    /// How long a transaction may take.
    pub statement_timeout: Duration,
    /// Whether statements are prepared by name.
    pub prepared_statements: bool,
    /// Whether the server is asked for one answer to a transaction, not one to each statement.
    pub single_sync: bool,
    /// How long a transaction may take before its statement's name is logged.
    pub slow_query: Duration,
    /// The most tasks that a user may have; 0 for any number.
    pub max_tasks_per_user: u32,
    /// How long what a deleted task said is kept; at most as long as tombstones are.
    pub trash_lifetime: TimeDelta,
}

impl DbConfig {
    /// For a command that changes much at once, and has nobody waiting for it.
    #[must_use]
    pub fn for_operators(&self) -> Self {
        const PATIENCE: Duration = Duration::from_hours(1);
        Self { statement_timeout: PATIENCE, slow_query: PATIENCE, ..self.clone() }
    }
}
