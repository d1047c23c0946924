//! Applies and reverts the migrations.

use std::fmt::Display;

use diesel::{
    QueryableByName,
    migration::{MigrationSource, MigrationVersion},
    pg::Pg,
    sql_query,
    sql_types::{Nullable, Text},
};
use diesel_async::{
    AnsiTransactionManager, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    TransactionManager,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{DbConfig, connection::Connection, pooler::explain};
use crate::error::{Error, Result};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// The advisory lock that serialises migrations: an arbitrary number that only this project uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8241978302147711)";

/// Applies all pending migrations in one transaction and returns their versions. Instances that start at the same time
/// wait for the first, then find nothing left to do.
pub async fn migrate(config: &DbConfig) -> Result<Vec<String>> {
    locked(config, |harness| harness.run_pending_migrations(MIGRATIONS).map(|versions| names(&versions))).await
}

/// Reverts all migrations, newest first, and returns their versions. Drops all tasks.
pub async fn revert(config: &DbConfig) -> Result<Vec<String>> {
    locked(config, |harness| harness.revert_all_migrations(MIGRATIONS).map(|versions| names(&versions))).await
}

/// The versions that are not applied yet. Only reads, so that it needs no right to create anything.
#[expect(clippy::disallowed_methods, reason = "diesel's own table of migrations isn't in the schema")]
pub async fn pending(config: &DbConfig) -> Result<Vec<String>> {
    let connector = config.connector().map_err(Error::internal)?;
    let connection = connector.connect().await.map_err(Error::unavailable)?;
    let exists = "SELECT to_regclass('__diesel_schema_migrations')::text AS version";
    let exists: Vec<Applied> = Connection::load(&connection, sql_query(exists)).await.map_err(Error::internal)?;
    let mut applied: Vec<Applied> = Vec::new();
    if exists.iter().any(|table| table.version.is_some()) {
        let query = "SELECT version::text AS version FROM __diesel_schema_migrations";
        applied = Connection::load(&connection, sql_query(query)).await.map_err(Error::internal)?;
    }
    let ours = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(Error::internal)?;
    let mut pending: Vec<_> = ours.iter().map(|migration| migration.name().version().to_string()).collect();
    pending.retain(|version| applied.iter().all(|applied| applied.version.as_ref() != Some(version)));
    pending.sort();
    Ok(pending)
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Nullable<Text>)]
    version: Option<String>,
}

fn names(versions: &[MigrationVersion<'_>]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

type Harness = AsyncMigrationHarness<AsyncPgConnection>;

/// One transaction around everything: a lock of the transaction works behind transaction poolers too.
async fn locked<T>(config: &DbConfig, work: impl FnOnce(&mut Harness) -> diesel::migration::Result<T>) -> Result<T> {
    let connector = config.connector().map_err(Error::internal)?;
    let (mut connection, driver) = match connector.connect().await.map_err(Error::unavailable)? {
        Connection::Named(connection) => (*connection, None),
        Connection::Unnamed(connection) => {
            let (connection, driver) = connection.begin_named().await.map_err(Error::unavailable)?;
            (connection, Some(driver))
        }
    };
    AnsiTransactionManager::begin_transaction(&mut connection).await.map_err(failed)?;
    lift_limits(&mut connection).await.map_err(failed)?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let done = work(&mut harness).map_err(failed)?;
    let mut connection = harness.into_inner();
    if driver.is_some() {
        connection.batch_execute("DEALLOCATE ALL").await.map_err(Error::internal)?;
    }
    AnsiTransactionManager::commit_transaction(&mut connection).await.map_err(Error::internal)?;
    Ok(done)
}

/// It may be a pooler that mixes up statements.
fn failed(error: impl Display) -> Error {
    Error::internal(explain(&error.to_string()))
}

/// Waiting for the lock and changing a large table may take longer than any request should.
#[expect(clippy::disallowed_methods, reason = "neither SET nor the lock function exists in diesel's query builder")]
async fn lift_limits(connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    sql_query("SET LOCAL statement_timeout = 0").execute(connection).await?;
    sql_query(LOCK).execute(connection).await?;
    Ok(())
}
