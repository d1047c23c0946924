//! Brings a database to this version's schema, or back.

use diesel::{migration::MigrationVersion, sql_query};
use diesel_async::{AnsiTransactionManager, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::DbConfig;
use crate::error::{Error, Result};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Whoever holds this lock migrates; any number that only this project uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8241978302147711)";

/// Applies every migration that is missing and names them. Safe with several instances starting at once: all wait for
/// the first, then find nothing left to do. All or nothing.
pub async fn migrate(config: &DbConfig) -> Result<Vec<String>> {
    locked(config, |harness| harness.run_pending_migrations(MIGRATIONS).map(|versions| names(&versions))).await
}

/// Undoes every migration, newest first, and names them. Drops all tasks.
pub async fn revert(config: &DbConfig) -> Result<Vec<String>> {
    locked(config, |harness| harness.revert_all_migrations(MIGRATIONS).map(|versions| names(&versions))).await
}

fn names(versions: &[MigrationVersion<'_>]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

type Harness = AsyncMigrationHarness<AsyncPgConnection>;

/// One transaction around everything: a lock that ends with it works behind transaction poolers too.
async fn locked<T>(config: &DbConfig, work: impl FnOnce(&mut Harness) -> diesel::migration::Result<T>) -> Result<T> {
    let connector = config.target.connector(config.statement_timeout).map_err(Error::internal)?;
    let mut connection = connector.connect().await.map_err(Error::unavailable)?;
    AnsiTransactionManager::begin_transaction(&mut connection).await.map_err(Error::internal)?;
    lift_limits(&mut connection).await.map_err(Error::internal)?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let done = work(&mut harness).map_err(Error::internal)?;
    AnsiTransactionManager::commit_transaction(&mut harness.into_inner()).await.map_err(Error::internal)?;
    Ok(done)
}

/// Waiting for the lock and changing a large table may take longer than any request should.
#[expect(clippy::disallowed_methods, reason = "neither SET nor the lock function exists in diesel's query builder")]
async fn lift_limits(connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    sql_query("SET LOCAL statement_timeout = 0").execute(connection).await?;
    sql_query(LOCK).execute(connection).await?;
    Ok(())
}
