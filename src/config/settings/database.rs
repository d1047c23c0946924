//! Which database, and how long to wait for it.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args};

use crate::{
    config::ConfigErrors,
    setting::{HOUR, MILLISECOND, duration, number, switch},
    store::{DbConfig, Target},
};

/// Settings of the database.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// PostgreSQL 14 or newer, like `postgres://user:password@host/database?sslmode=require` [default: an embedded
    /// database in the data directory]
    #[arg(long, env, value_name = "URL", hide_env_values = true, value_parser = Target::parse)]
    pub database_url: Option<Target>,
    /// The same database for migrations, as the owner of the tables and without a pooler [default: `DATABASE_URL`]
    #[arg(long, env, value_name = "URL", hide_env_values = true, value_parser = Target::parse)]
    pub database_migration_url: Option<Target>,
    /// Directory of the embedded database and the development secret
    #[arg(long, env, value_name = "DIRECTORY", default_value = "./.tandem")]
    pub data_dir: PathBuf,
    /// Migrate the database before serving
    #[arg(long, env, value_name = "true|false", default_value = "true", action = ArgAction::Set, value_parser = switch)]
    pub migrate_on_start: bool,
    /// Maximum number of database connections; the embedded database always has 1
    #[arg(long, env, value_name = "NUMBER", default_value = "16", value_parser = number(1..=10_000_u32))]
    pub database_pool_size: u32,
    /// Maximum number of transactions of one user at once; others of that user wait
    #[arg(long, env, value_name = "NUMBER", default_value = "4", value_parser = number(1..=10_000_u32))]
    pub database_transactions_per_user: u32,
    /// How long a request waits for a database connection
    #[arg(long, env, value_name = "DURATION", default_value = "2s", value_parser = duration(MILLISECOND..=HOUR))]
    pub checkout_timeout: Duration,
    /// Maximum time for one SQL statement
    #[arg(long, env, value_name = "DURATION", default_value = "5s", value_parser = duration(MILLISECOND..=HOUR))]
    pub statement_timeout: Duration,
    /// Prepare statements by name, once for each connection; false for transaction poolers that don't keep those of their
    /// clients apart, such as PgBouncer before 1.21
    #[arg(long, env, value_name = "true|false", default_value = "true", action = ArgAction::Set, value_parser = switch)]
    pub database_prepared_statements: bool,
    /// How long a query may take before its name is logged
    #[arg(long, env, value_name = "DURATION", default_value = "500ms", value_parser = duration(MILLISECOND..=HOUR))]
    pub slow_query: Duration,
}

impl DatabaseSettings {
    pub(in crate::config) fn check(&self, errors: &mut ConfigErrors) {
        if self.database_migration_url.is_some() && self.database_url.is_none() {
            errors.push("DATABASE_MIGRATION_URL", "needs DATABASE_URL, which names the same database");
        }
    }

    /// These settings for migrating the database that is served from `target`.
    #[must_use]
    pub fn migrating(&self, target: &Target) -> DbConfig {
        self.pool(self.database_migration_url.as_ref().unwrap_or(target).clone(), 1)
    }

    /// These settings for a database at `target`.
    #[must_use]
    pub fn pool(&self, target: Target, pool_size: u32) -> DbConfig {
        DbConfig {
            target,
            pool_size,
            transactions_per_user: self.database_transactions_per_user,
            checkout_timeout: self.checkout_timeout,
            statement_timeout: self.statement_timeout,
            prepared_statements: self.database_prepared_statements,
            slow_query: self.slow_query,
        }
    }
}
