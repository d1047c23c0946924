//! Applies and reverts the migrations.

use std::fmt::Display;

use diesel::{
    migration::{MigrationSource, MigrationVersion},
    pg::Pg,
};
use diesel_async::{
    AnsiTransactionManager, AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection, TransactionManager,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    error::{Error, Result},
    store::{
        DbConfig,
        connection::{
            OpenSocket, Statements,
            advice::explain,
            connect::{Connector, failure},
        },
        distribution::{self, Distribution},
        sql::statement::Sql,
    },
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Waiting for other instances and changing a large table may take longer than any request should.
const LIFT_LIMITS: &str = "SET LOCAL statement_timeout = 0";
/// The advisory lock that serialises migrations: an arbitrary number that only this project uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8241978302147711)";

/// What to do about a login that may not migrate.
pub const MIGRATE_AS_OWNER: &str = "Set DATABASE_MIGRATION_URL to the login that owns the tables, or run `tandem migrate` \
                                    as that one and serve with MIGRATE_ON_START=false";

/// What to do about a database that has migrations from before the first one here.
const UNRELEASED: &str = "this database was made before the first release, and can't be migrated. Start with an empty one; \
                          to empty the embedded database, delete the directory postgres in DATA_DIR";

/// What became of a database.
#[derive(Clone, Debug)]
pub struct Migrated {
    /// The versions that were applied.
    pub versions: Vec<String>,
    /// Where its tables are now.
    pub distribution: Distribution,
}

/// Applies all pending migrations in one transaction, and distributes empty tables where that is possible. Instances that
/// start at the same time wait for the first, then find nothing left to do.
pub async fn migrate(config: &DbConfig) -> Result<Migrated> {
    apply(config, false).await
}

/// The same, but moves the rows of tables that have some. Nobody can use the tables meanwhile.
pub async fn distribute(config: &DbConfig) -> Result<Migrated> {
    apply(config, true).await
}

async fn apply(config: &DbConfig, moves_rows: bool) -> Result<Migrated> {
    let locked = Locked::begin(config).await?;
    let (mut locked, versions) =
        locked.run(|harness| harness.run_pending_migrations(MIGRATIONS).map(|versions| names(&versions)))?;
    let distribution = distribution::distribute(&mut locked.connection, moves_rows).await.map_err(failed)?;
    locked.commit().await?;
    Ok(Migrated { versions, distribution })
}

/// Reverts all migrations, newest first, and returns their versions. Drops all tasks.
pub async fn revert(config: &DbConfig) -> Result<Vec<String>> {
    let locked = Locked::begin(config).await?;
    let (locked, versions) =
        locked.run(|harness| harness.revert_all_migrations(MIGRATIONS).map(|versions| names(&versions)))?;
    locked.commit().await?;
    Ok(versions)
}

/// The versions that are not applied yet, or why they can't be. Only reads, so that it needs no right to create anything.
pub async fn pending(config: &DbConfig) -> Result<Result<Vec<String>, &'static str>> {
    let connector = Connector::new(config).map_err(Error::internal)?;
    let connection = &connector.connect().await.map_err(Error::unavailable)?;
    let exists = Sql::<bool>::returning("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL");
    let mut applied = Vec::new();
    if exists.rows(connection).await.map_err(Error::internal)? == [true] {
        let versions = Sql::<String>::returning("SELECT version::text FROM __diesel_schema_migrations");
        applied = versions.rows(connection).await.map_err(Error::internal)?;
    }
    let mut pending = ours().map_err(Error::internal)?;
    if is_unreleased(&pending, &applied) {
        return Ok(Err(UNRELEASED));
    }
    pending.retain(|version| !applied.contains(version));
    Ok(Ok(pending))
}

/// The versions of the migrations that are compiled in, oldest first.
fn ours() -> diesel::migration::Result<Vec<String>> {
    let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS)?;
    let mut versions: Vec<_> = migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    versions.sort();
    Ok(versions)
}

/// Whether a database has migrations from before ours. Later ones are those of a newer release, which this one can run on.
fn is_unreleased(ours: &[String], applied: &[String]) -> bool {
    applied.iter().any(|version| ours.first().is_some_and(|first| version < first))
}

fn names(versions: &[MigrationVersion<'_>]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

type Harness = AsyncMigrationHarness<AsyncPgConnection>;

/// One transaction around everything: a lock of the transaction works behind transaction poolers too.
struct Locked {
    connection: AsyncPgConnection,
    /// Whether a pooler shares its server connection: then named statements must not outlive the transaction.
    is_shared: bool,
    _socket: OpenSocket,
}

impl Locked {
    async fn begin(config: &DbConfig) -> Result<Self> {
        let connector = Connector::new(config).map_err(Error::internal)?;
        let (statements, socket) = connector.connect().await.map_err(failure)?.into_parts();
        let (mut connection, is_shared) = match statements {
            Statements::Named(connection) => (*connection, false),
            Statements::Unnamed(connection) => (connection.begin_named().await.map_err(failure)?, true),
        };
        AnsiTransactionManager::begin_transaction(&mut connection).await.map_err(failed)?;
        connection.batch_execute(LIFT_LIMITS).await.map_err(failed)?;
        connection.batch_execute(LOCK).await.map_err(failed)?;
        distribution::prepare(&mut connection).await.map_err(failed)?;
        Ok(Self { connection, is_shared, _socket: socket })
    }

    fn run<T>(self, work: impl FnOnce(&mut Harness) -> diesel::migration::Result<T>) -> Result<(Self, T)> {
        let mut harness = AsyncMigrationHarness::new(self.connection);
        let applied = harness.applied_migrations().map_err(failed)?;
        if is_unreleased(&ours().map_err(failed)?, &names(&applied)) {
            return Err(Error::internal(UNRELEASED));
        }
        let done = work(&mut harness).map_err(failed)?;
        Ok((Self { connection: harness.into_inner(), ..self }, done))
    }

    async fn commit(mut self) -> Result<()> {
        if self.is_shared {
            self.connection.batch_execute("DEALLOCATE ALL").await.map_err(Error::internal)?;
        }
        AnsiTransactionManager::commit_transaction(&mut self.connection).await.map_err(Error::internal)
    }
}

/// It may be a pooler that mixes up statements, or a login that only serves.
fn failed(error: impl Display) -> Error {
    let text = error.to_string();
    // A server that speaks another language than English is quoted without the advice.
    if text.contains("permission denied") {
        return Error::internal(format!("can't migrate: {text}. {MIGRATE_AS_OWNER}"));
    }
    Error::internal(explain(&text))
}
