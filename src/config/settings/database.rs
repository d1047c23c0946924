//! Settings of the database.

use std::{path::PathBuf, time::Duration};

use chrono::TimeDelta;
use clap::{ArgAction, Args};

use crate::{
    config::ConfigErrors,
    setting::{HOUR, MILLISECOND, duration, number, switch},
    store::{DbConfig, Target},
    task::TOMBSTONE_LIFETIME,
};

/// Settings of the database.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// PostgreSQL 14 or newer, like `postgres://user:password@host/database?sslmode=require` [default: an embedded
    /// database in the data directory]
    #[arg(long, env, value_name = "URL", hide_env_values = true, value_parser = Target::parse)]
    pub database_url: Option<Target>,
    /// URL of the same database for migrations: as the owner of the tables, without a pooler [default: `DATABASE_URL`]
    #[arg(long, env, value_name = "URL", hide_env_values = true, value_parser = Target::parse)]
    pub database_migration_url: Option<Target>,
    /// Directory of the embedded database and the development secret
    #[arg(long, env, value_name = "DIRECTORY", default_value = "./.tandem")]
    pub data_dir: PathBuf,
    /// Migrate the database before serving
    #[arg(long, env, value_name = "true|false", default_value = "true", action = ArgAction::Set, value_parser = switch)]
    pub migrate_on_start: bool,
    /// Maximum time that a starting server keeps trying to reach the database
    #[arg(long, env, value_name = "DURATION", default_value = "1m", value_parser = duration(MILLISECOND..=HOUR))]
    pub start_timeout: Duration,
    /// Maximum number of database connections; the embedded database always has 1
    #[arg(long, env, value_name = "NUMBER", default_value = "16", value_parser = number(1..=10_000_u32))]
    pub database_pool_size: u32,
    /// Maximum number of concurrent transactions of one user; further ones wait for up to `CHECKOUT_TIMEOUT`. Writes of one
    /// user always run one at a time, so a slow one makes the others wait
    #[arg(long, env, value_name = "NUMBER", default_value = "4", value_parser = number(1..=10_000_u32))]
    pub database_transactions_per_user: u32,
    /// Maximum time that a request waits for a database connection
    #[arg(long, env, value_name = "DURATION", default_value = "2s", value_parser = duration(MILLISECOND..=HOUR))]
    pub checkout_timeout: Duration,
    /// Maximum time for a database transaction
    #[arg(long, env, value_name = "DURATION", default_value = "5s", value_parser = duration(MILLISECOND..=HOUR))]
    pub statement_timeout: Duration,
    /// Use named prepared statements; set to false behind transaction poolers that don't support them, such as PgBouncer
    /// before 1.21
    #[arg(long, env, value_name = "true|false", default_value = "true", action = ArgAction::Set, value_parser = switch)]
    pub database_prepared_statements: bool,
    /// Ask the database for one answer per transaction instead of one per statement; false if something in front of it
    /// doesn't understand that, at the cost of throughput
    #[arg(long, env, value_name = "true|false", default_value = "true", action = ArgAction::Set, value_parser = switch)]
    pub database_single_sync: bool,
    /// Queries that take longer are logged as slow, by name
    #[arg(long, env, value_name = "DURATION", default_value = "500ms", value_parser = duration(MILLISECOND..=HOUR))]
    pub slow_query: Duration,
    /// Maximum number of tasks of one user; further ones are refused with `QUOTA_EXCEEDED`. With up to 20 servers it is exceeded
    /// by 1 percent at most; 0 means no limit
    #[arg(long, env, value_name = "NUMBER", default_value = "100000", value_parser = number(0..=1_000_000_000_u32))]
    pub max_tasks_per_user: u32,
    /// How many days a deleted task can be restored, 0 to 31. Then what it said is removed; 0 keeps nothing of it from the start
    #[arg(long, env, value_name = "NUMBER", default_value = "30", value_parser = number(0..=TOMBSTONE_LIFETIME.num_days()))]
    pub trash_days: i64,
}

impl DatabaseSettings {
    pub(crate) fn check(&self, errors: &mut ConfigErrors) {
        if self.database_migration_url.is_some() && self.database_url.is_none() {
            errors.push("DATABASE_MIGRATION_URL", "requires DATABASE_URL, for the same database");
        }
    }

    /// The connection for migrations of the database at `target`.
    #[must_use]
    pub fn migrating(&self, target: &Target) -> DbConfig {
        self.pool(self.database_migration_url.as_ref().unwrap_or(target).clone(), 1)
    }

    /// The connections to a database at `target`.
    #[must_use]
    pub fn pool(&self, target: Target, pool_size: u32) -> DbConfig {
        DbConfig {
            target,
            pool_size,
            transactions_per_user: self.database_transactions_per_user,
            checkout_timeout: self.checkout_timeout,
            statement_timeout: self.statement_timeout,
            prepared_statements: self.database_prepared_statements,
            single_sync: self.database_single_sync,
            slow_query: self.slow_query,
            max_tasks_per_user: self.max_tasks_per_user,
            trash_lifetime: TimeDelta::days(self.trash_days),
        }
    }
}
