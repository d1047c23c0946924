//! The proof that this database keeps users apart, made before the server serves and for every readiness probe.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::time::timeout;

use super::pool::Pool;
use crate::error::{Error, Result};

/// What the catalog says is wrong with the role or a table, asked as the API role; null when nothing is.
const CATALOG_FLAW: &str = "
    SELECT CASE
        WHEN r.rolname <> 'tandem_api'
            THEN 'the switch to the role tandem_api has no effect'
        WHEN r.rolsuper OR r.rolbypassrls
            THEN 'the role tandem_api bypasses row-level security. ALTER ROLE tandem_api NOSUPERUSER NOBYPASSRLS'
        WHEN c.oid IS NULL
            THEN format('there is no table %s. Run `tandem migrate`', t.name)
        WHEN NOT (c.relrowsecurity AND c.relforcerowsecurity)
            THEN format('row-level security is not forced. ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t.name)
        WHEN NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'
                         AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL)
            THEN format('the table %s has no policy for all commands with USING and WITH CHECK. Recreate %s_of_current_user', t.name, t.name)
    END AS flaw
    FROM pg_roles r CROSS JOIN (VALUES ('tasks'), ('idempotency_keys')) t (name)
    LEFT JOIN pg_class c ON c.oid = to_regclass(t.name)
    WHERE r.rolname = current_user";

/// A table whose rows belong to users, with what the canaries write there.
struct Walled {
    name: &'static str,
    /// Columns and their values, besides the user.
    row: (&'static str, &'static str),
    change: &'static str,
}

const WALLED: [Walled; 2] = [
    Walled { name: "tasks", row: ("id, title", "gen_random_uuid(), '-'"), change: "completed = NOT completed" },
    Walled {
        name: "idempotency_keys",
        row: ("key, part, fingerprint", "gen_random_uuid()::text, 0, ''"),
        change: "outcome = '[]'",
    },
];

impl Walled {
    /// A row of a canary.
    fn plant(&self, canary: u8) -> String {
        let (columns, values) = self.row;
        format!("INSERT INTO {} (user_id, {columns}) VALUES ('tandem canary {canary}', {values})", self.name)
    }

    /// As the first of two canaries: how many rows of the second can be seen and changed. Must be 0.
    fn trespass(&self) -> String {
        let Self { name, change, .. } = self;
        format!(
            "WITH changed AS (UPDATE {name} SET {change} WHERE user_id = 'tandem canary 2' RETURNING 1) SELECT \
             (SELECT count(*) FROM {name} WHERE user_id = 'tandem canary 2') + (SELECT count(*) FROM changed) AS rows"
        )
    }

    /// As the first canary, all rows: just its own.
    fn own(&self) -> String {
        format!("SELECT count(*) AS rows FROM {}", self.name)
    }
}

#[derive(QueryableByName)]
struct Flaw {
    #[diesel(sql_type = Nullable<Text>)]
    flaw: Option<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Fails with what to fix.
pub(super) async fn prove(pool: &Pool) -> Result<()> {
    let mut lease = pool.lease().await?;
    let proof = timeout(pool.statement_timeout(), prove_in_transaction(lease.connection())).await;
    match proof {
        Ok(Ok(None)) => Ok(()),
        Ok(Ok(Some(flaw))) => Err(Error::internal(format!("user isolation can't be proved: {flaw}"))),
        Ok(Err(error)) => {
            lease.spoil();
            Err(Error::unavailable(error))
        }
        Err(late) => {
            lease.spoil();
            Err(Error::unavailable(late))
        }
    }
}

/// What is wrong, if anything is. Leaves nothing behind: the transaction is rolled back.
async fn prove_in_transaction(connection: &AsyncPgConnection) -> QueryResult<Option<String>> {
    run(connection, "BEGIN").await?;
    let flaw = find_flaw(connection).await;
    run(connection, "ROLLBACK").await?;
    Ok(flaw.unwrap_or_else(|error| Some(format!("{error}. Has `tandem migrate` run?"))))
}

async fn find_flaw(connection: &AsyncPgConnection) -> QueryResult<Option<String>> {
    if let Err(error) = run(connection, "SELECT set_config('role', 'tandem_api', true)").await {
        return Ok(Some(format!(
            "this login can't become the role tandem_api ({error}). Run `tandem migrate`, or: GRANT tandem_api TO <login>"
        )));
    }
    let flaws: Vec<Flaw> = rows(connection, CATALOG_FLAW).await?;
    if let Some(flaw) = flaws.into_iter().find_map(|found| found.flaw) {
        return Ok(Some(flaw));
    }
    for canary in [2, 1] {
        speak_for(connection, &format!("tandem canary {canary}")).await?;
        for table in &WALLED {
            run(connection, &table.plant(canary)).await?;
        }
    }
    for table in &WALLED {
        speak_for(connection, "tandem canary 1").await?;
        if let Some(flaw) = canary_flaw(connection, table).await? {
            return Ok(Some(flaw));
        }
    }
    plant_for_another(connection).await
}

async fn speak_for(connection: &AsyncPgConnection, user: &str) -> QueryResult<usize> {
    run(connection, &format!("SELECT set_config('app.user_id', '{user}', true)")).await
}

/// Speaking for the first canary.
async fn canary_flaw(connection: &AsyncPgConnection, table: &Walled) -> QueryResult<Option<String>> {
    let name = table.name;
    if count(connection, &table.own()).await? != 1 {
        return Ok(Some(format!("a user sees rows that are not theirs. Look for other permissive policies on {name}")));
    }
    if count(connection, &table.trespass()).await? != 0 {
        return Ok(Some(format!(
            "a user can see or change another user's rows. Look for other permissive policies on {name}"
        )));
    }
    for nobody in ["", "tandem canary 3"] {
        speak_for(connection, nobody).await?;
        if count(connection, &table.own()).await? != 0 {
            return Ok(Some(format!(
                "the user {nobody:?} sees other users' rows. Recreate the policy {name}_of_current_user"
            )));
        }
    }
    Ok(None)
}

/// Speaking for a third canary.
async fn plant_for_another(connection: &AsyncPgConnection) -> QueryResult<Option<String>> {
    for table in &WALLED {
        run(connection, "SAVEPOINT planting").await?;
        if run(connection, &table.plant(1)).await.is_ok() {
            return Ok(Some(format!(
                "a user can give rows to another user. Recreate the policy {}_of_current_user with its WITH CHECK",
                table.name
            )));
        }
        run(connection, "ROLLBACK TO SAVEPOINT planting").await?;
    }
    Ok(None)
}

async fn count(connection: &AsyncPgConnection, query: &str) -> QueryResult<i64> {
    let counts: Vec<Count> = rows(connection, query).await?;
    Ok(counts.as_slice().first().map_or(0, |count| count.rows))
}

#[expect(clippy::disallowed_methods, reason = "catalog queries, and the canary must not depend on what it checks")]
async fn rows<T>(connection: &AsyncPgConnection, query: &str) -> QueryResult<Vec<T>>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    sql_query(query).load(&mut &*connection).await
}

#[expect(clippy::disallowed_methods, reason = "statements the query builder doesn't have")]
async fn run(connection: &AsyncPgConnection, statement: &str) -> QueryResult<usize> {
    sql_query(statement).execute(&mut &*connection).await
}
