//! The proof that this database keeps users apart, made before the server serves and for every readiness probe.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::time::timeout;

use super::pool::Pool;
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
    END AS flaw
    FROM pg_roles r LEFT JOIN pg_class c ON c.oid = to_regclass('tasks')
    WHERE r.rolname = current_user";

/// As the first of two canaries: how many rows of the second can be seen, changed and deleted. All must be 0.
const TRESPASS: &str = "
    WITH changed AS (UPDATE tasks SET completed = NOT completed WHERE user_id = 'tandem canary 2' RETURNING 1)
    SELECT (SELECT count(*) FROM tasks WHERE user_id = 'tandem canary 2') + (SELECT count(*) FROM changed) AS rows";

/// As the first canary, all rows: just its own.
const OWN: &str = "SELECT count(*) AS rows FROM tasks";

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
        run(connection, &format!("SELECT set_config('app.user_id', 'tandem canary {canary}', true)")).await?;
        run(
            connection,
            &format!(
                "INSERT INTO tasks (user_id, id, title) VALUES ('tandem canary {canary}', gen_random_uuid(), '-')"
            ),
        )
        .await?;
    }
    canary_flaw(connection).await
}

/// Speaking for the first canary.
async fn canary_flaw(connection: &AsyncPgConnection) -> QueryResult<Option<String>> {
    if count(connection, OWN).await? != 1 {
        return Ok(Some(
            "a user sees rows that are not theirs. Look for other permissive policies on tasks".to_owned(),
        ));
    }
    if count(connection, TRESPASS).await? != 0 {
        return Ok(Some(
            "a user can see or change another user's rows. Look for other permissive policies on tasks".to_owned(),
        ));
    }
    for nobody in ["", "tandem canary 3"] {
        run(connection, &format!("SELECT set_config('app.user_id', '{nobody}', true)")).await?;
        if count(connection, OWN).await? != 0 {
            return Ok(Some(format!(
                "the user {nobody:?} sees other users' rows. Recreate the policy tasks_of_current_user"
            )));
        }
    }
    let planted = "INSERT INTO tasks (user_id, id, title) VALUES ('tandem canary 1', gen_random_uuid(), '-')";
    Ok(run(connection, planted).await.is_ok().then(|| {
        "a user can give rows to another user. Recreate the policy tasks_of_current_user with its WITH CHECK".to_owned()
    }))
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
