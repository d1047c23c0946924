//! The proof that this database keeps users apart, made before the server serves and for every readiness probe.

use std::time::Duration;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    finish::Finish,
    pool::{Lease, Pool},
};
use crate::error::{Error, Result};

/// What the catalog says is wrong with the role or the table, asked as the API role; null when nothing is.
const CATALOG_FLAW: &str = "
    SELECT CASE
        WHEN r.rolname <> 'tandem_api'
            THEN 'the switch to the role tandem_api has no effect'
        WHEN r.rolsuper OR r.rolbypassrls
            THEN 'the role tandem_api bypasses row-level security. ALTER ROLE tandem_api NOSUPERUSER NOBYPASSRLS'
        WHEN c.oid IS NULL
            THEN 'there is no table tasks. Run `tandem migrate`'
        WHEN NOT (c.relrowsecurity AND c.relforcerowsecurity)
            THEN 'row-level security is not forced. ALTER TABLE tasks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'
        WHEN NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'
                         AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL)
            THEN 'the table tasks has no policy for all commands with USING and WITH CHECK. Recreate tasks_of_current_user'
        WHEN (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive) <> 1
            THEN 'the table tasks has more than one permissive policy: what any of them permits is permitted. Drop the others'
    END AS flaw
    FROM pg_roles r LEFT JOIN pg_class c ON c.oid = to_regclass('tasks')
    WHERE r.rolname = current_user";

/// All rows that can be seen: as a canary, just its own.
const SEEN: &str = "SELECT count(*) AS rows FROM tasks";

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

/// Fails with what to fix. A caller who goes away leaves nothing half done.
pub(super) async fn prove(pool: &Pool) -> Result<()> {
    let lease = pool.lease().await?;
    Finish::new(prove_on(lease, pool.statement_timeout())).await
}

async fn prove_on(mut lease: Lease, limit: Duration) -> Result<()> {
    match timeout(limit, prove_in_transaction(lease.connection())).await {
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
    let (canary, other) = (Canary::new(), Canary::new());
    for canary in [&other, &canary] {
        canary.speak(connection).await?;
        canary.plant(connection).await?;
    }
    if let Some(flaw) = canary.trespass(connection, &other).await? {
        return Ok(Some(flaw));
    }
    for nobody in [Canary(String::new()), Canary::new()] {
        nobody.speak(connection).await?;
        if count(connection, SEEN).await? != 0 {
            return Ok(Some(
                "who has no tasks sees those of others. Recreate the policy tasks_of_current_user".to_owned(),
            ));
        }
    }
    // Last, for its failure, which is what is hoped for, ends the transaction.
    Ok(other.plant(connection).await.is_ok().then(|| {
        "a user can give rows to another user. Recreate the policy tasks_of_current_user with its WITH CHECK".to_owned()
    }))
}

/// A made-up user. Its id is new each time, so that it is nobody's.
struct Canary(String);

impl Canary {
    fn new() -> Self {
        Self(format!("tandem canary {}", Uuid::new_v4()))
    }

    /// From now on the transaction speaks for this user.
    async fn speak(&self, connection: &AsyncPgConnection) -> QueryResult<usize> {
        run(connection, &format!("SELECT set_config('app.user_id', '{}', true)", self.0)).await
    }

    /// Adds a row of this user, whoever the transaction speaks for.
    async fn plant(&self, connection: &AsyncPgConnection) -> QueryResult<usize> {
        let values = format!("VALUES ('{}', gen_random_uuid(), '-')", self.0);
        run(connection, &format!("INSERT INTO tasks (user_id, id, title) {values}")).await
    }

    /// Speaking for this user, tries to reach its neighbour's row.
    async fn trespass(&self, connection: &AsyncPgConnection, other: &Self) -> QueryResult<Option<String>> {
        if count(connection, SEEN).await? != 1 {
            return Ok(Some(
                "a user sees rows that are not theirs. Recreate the policy tasks_of_current_user".to_owned(),
            ));
        }
        let of_other = format!("WHERE user_id = '{}'", other.0);
        let changed = run(connection, &format!("UPDATE tasks SET completed = true {of_other}")).await?;
        let deleted = run(connection, &format!("DELETE FROM tasks {of_other}")).await?;
        Ok((changed + deleted > 0).then(|| {
            "a user can change or delete another user's rows. Recreate the policy tasks_of_current_user".to_owned()
        }))
    }
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
