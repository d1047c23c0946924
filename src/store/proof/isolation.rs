//! The proof that this database keeps users apart, made before the server serves and for every readiness probe.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use uuid::Uuid;

use crate::store::{
    connection::Connection,
    distribution::{Nodes, examine},
    tasks,
};

/// Finds what is wrong with the role or a table in the catalog, as the API role; null if nothing is.
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
        WHEN p.complete = 0
            THEN format('the table %1$s has no policy for all commands with USING and WITH CHECK. Recreate %1$s_of_current_user', t.name)
        WHEN p.permissive <> 1
            THEN format('the table %s has more than one permissive policy: what any of them permits is permitted. Drop the others', t.name)
    END AS flaw
    FROM pg_roles r CROSS JOIN (VALUES ('tasks'), ('deleted_tasks'), ('idempotency_keys')) t (name)
    LEFT JOIN pg_class c ON c.oid = to_regclass(t.name)
    CROSS JOIN LATERAL (
        SELECT count(*) AS permissive,
               count(*) FILTER (WHERE polcmd = '*' AND polqual IS NOT NULL AND polwithcheck IS NOT NULL) AS complete
        FROM pg_policy WHERE polrelid = c.oid AND polpermissive AND EXISTS (
            SELECT FROM unnest(polroles) role WHERE role = 0 OR pg_has_role(r.oid, role, 'MEMBER'))
    ) p
    WHERE r.rolname = current_user";

/// Finds what is wrong with the role that polls, which sees all users' rows, but only when they changed; null if nothing is.
const FEED_ROLE_FLAW: &str = "
    SELECT CASE
        WHEN r.oid IS NULL
            THEN 'there is no role tandem_feed. Run `tandem migrate`'
        WHEN r.rolsuper OR r.rolbypassrls
            THEN 'the role tandem_feed bypasses row-level security. ALTER ROLE tandem_feed NOSUPERUSER NOBYPASSRLS'
        WHEN excess.columns IS NOT NULL
            THEN format('the role tandem_feed may do more than read positions: %s. REVOKE that', excess.columns)
        WHEN NOT pg_has_role(session_user, r.oid, 'MEMBER')
            THEN 'this login can''t become the role tandem_feed. Run `tandem migrate`, or: GRANT tandem_feed TO <login>'
    END AS flaw
    FROM (SELECT) AS always LEFT JOIN pg_roles r ON r.rolname = 'tandem_feed'
    CROSS JOIN LATERAL (
        SELECT string_agg(format('%s.%s', c.relname, a.attname), ', ') AS columns
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.oid IN (to_regclass('tasks'), to_regclass('deleted_tasks'), to_regclass('idempotency_keys'))
          AND CASE WHEN (c.relname, a.attname) IN (
                  ('tasks', 'user_id'), ('tasks', 'position'), ('deleted_tasks', 'user_id'), ('deleted_tasks', 'position'))
              THEN has_column_privilege(r.oid, c.oid, a.attnum, 'INSERT, UPDATE')
              ELSE has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT, INSERT, UPDATE')
              END
            OR c.oid IN (to_regclass('tasks'), to_regclass('deleted_tasks'), to_regclass('idempotency_keys'))
          AND has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE')
    ) excess";

/// A table whose rows belong to users, and the canary rows for it.
struct Walled {
    name: &'static str,
    columns: &'static str,
    values: &'static str,
    /// A change to a row.
    change: &'static str,
}

const WALLED: [Walled; 3] = [
    Walled {
        name: "tasks",
        columns: "position, id, title",
        values: "0, gen_random_uuid(), '-'",
        change: "completed = true",
    },
    Walled {
        name: "deleted_tasks",
        columns: "position, deleted_at, id, version, title",
        values: "0, now(), gen_random_uuid(), 2, '-'",
        change: "title = NULL",
    },
    Walled {
        name: "idempotency_keys",
        columns: "key, part, fingerprint",
        values: "gen_random_uuid()::text, 0, ''",
        change: "outcome = '[]'",
    },
];

impl Walled {
    /// Counts the visible rows: a canary must see only its own.
    async fn seen(&self, connection: &Connection, scope: &str) -> QueryResult<i64> {
        count(connection, &format!("SELECT count(*) AS rows FROM {}{scope}", self.name)).await
    }
}

#[derive(QueryableByName)]
struct Flaw {
    #[diesel(sql_type = Nullable<Text>)]
    flaw: Option<String>,
}

#[derive(QueryableByName)]
struct User {
    #[diesel(sql_type = Text)]
    id: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// What a proof holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All tasks.
    Whole,
    /// Those that can be reached: of a distributed database, these nodes don't answer, and why.
    Partial(Vec<String>),
}

impl Coverage {
    /// The nodes that it doesn't hold for.
    #[must_use]
    pub fn away(&self) -> &[String] {
        match self {
            Self::Whole => &[],
            Self::Partial(away) => away,
        }
    }
}

/// Returns what it holds for, or what is wrong. The transaction is rolled back.
pub(super) async fn prove(
    connection: &Connection,
    schema: &str,
    is_distributed: bool,
) -> QueryResult<Result<Coverage, String>> {
    let nodes = match if is_distributed { examine(connection, schema).await? } else { Ok(Nodes::default()) } {
        Ok(nodes) => nodes,
        Err(flaw) => return Ok(Err(flaw)),
    };
    run(connection, "BEGIN").await?;
    let flaw = find_flaw(connection, schema, &nodes).await;
    run(connection, "ROLLBACK").await?;
    Ok(match flaw {
        Ok(None) if nodes.away.is_empty() => Ok(Coverage::Whole),
        Ok(None) => Ok(Coverage::Partial(nodes.away)),
        Ok(Some(flaw)) => Err(flaw),
        Err(error) => Err(format!("{error}. Has `tandem migrate` run?")),
    })
}

async fn find_flaw(connection: &Connection, schema: &str, nodes: &Nodes) -> QueryResult<Option<String>> {
    if let Err(error) = run(connection, "SELECT set_config('role', 'tandem_api', true)").await {
        return Ok(Some(format!(
            "this login can't become the role tandem_api ({error}). Run `tandem migrate`, or: GRANT tandem_api TO <login>"
        )));
    }
    run(connection, &format!("SELECT set_config('search_path', '{}', true)", schema.replace('\'', "''"))).await?;
    for query in [CATALOG_FLAW, FEED_ROLE_FLAW] {
        let flaws: Vec<Flaw> = rows(connection, query).await?;
        if let Some(flaw) = flaws.into_iter().find_map(|found| found.flaw) {
            return Ok(Some(flaw));
        }
    }
    for table in &WALLED {
        if let Some(flaw) = find_breach(connection, table, nodes).await? {
            return Ok(Some(flaw));
        }
    }
    let (canary, _) = Canary::pair(connection, nodes).await?;
    canary.speak(connection).await?;
    canary.plant(connection, &WALLED[0]).await?;
    // What users' requests do: it fails where a migration took something away that this release needs.
    tasks::read_as_users_do(connection, &canary.0).await?;
    Ok(None)
}

async fn find_breach(connection: &Connection, table: &Walled, nodes: &Nodes) -> QueryResult<Option<String>> {
    let name = table.name;
    let (canary, other) = Canary::pair(connection, nodes).await?;
    // A node that is away can't be asked for its rows.
    let scope = if nodes.proved.is_empty() {
        String::new()
    } else {
        format!(" WHERE user_id IN ('{}', '{}')", canary.0, other.0)
    };
    for canary in [&other, &canary] {
        canary.speak(connection).await?;
        canary.plant(connection, table).await?;
    }
    if let Some(flaw) = canary.trespass(connection, table, &scope, &other).await? {
        return Ok(Some(format!("{flaw}. Recreate the policy {name}_of_current_user")));
    }
    for nobody in [Canary(String::new()), Canary::new()] {
        nobody.speak(connection).await?;
        if table.seen(connection, &scope).await? != 0 {
            let flaw = "who has no rows sees those of others";
            return Ok(Some(format!("{flaw}. Recreate the policy {name}_of_current_user")));
        }
    }
    // The insert is expected to fail, which would abort the transaction.
    run(connection, "SAVEPOINT planting").await?;
    let planted = other.plant(connection, table).await;
    run(connection, "ROLLBACK TO SAVEPOINT planting").await?;
    let flaw = "a user can give rows to another user";
    Ok(planted.is_ok().then(|| format!("{flaw}. Recreate the policy {name}_of_current_user with its WITH CHECK")))
}

/// A made-up user, with a new id each time so that it can't be anybody's.
struct Canary(String);

impl Canary {
    fn new() -> Self {
        Self(format!("tandem canary {}", Uuid::new_v4()))
    }

    /// Two of them, whose rows are on nodes that answer.
    async fn pair(connection: &Connection, nodes: &Nodes) -> QueryResult<(Self, Self)> {
        let Some(query) = nodes.users_query("tandem canary ") else { return Ok((Self::new(), Self::new())) };
        let mut found: Vec<User> = rows(connection, &query).await?;
        let mut next = || found.pop().map_or_else(Self::new, |user| Self(user.id));
        Ok((next(), next()))
    }

    /// Sets this user for the rest of the transaction.
    async fn speak(&self, connection: &Connection) -> QueryResult<usize> {
        run(connection, &format!("SELECT tandem_speak_for('{}')", self.0)).await
    }

    /// Inserts a row of this user, whoever the current user is.
    async fn plant(&self, connection: &Connection, table: &Walled) -> QueryResult<usize> {
        let Walled { name, columns, values, .. } = table;
        run(connection, &format!("INSERT INTO {name} (user_id, {columns}) VALUES ('{}', {values})", self.0)).await
    }

    /// As this user, tries to reach the other canary's row.
    async fn trespass(
        &self,
        connection: &Connection,
        table: &Walled,
        scope: &str,
        other: &Self,
    ) -> QueryResult<Option<&'static str>> {
        if table.seen(connection, scope).await? != 1 {
            return Ok(Some("a user sees rows that are not theirs"));
        }
        let Walled { name, change, .. } = table;
        let of_other = format!("WHERE user_id = '{}'", other.0);
        let changed = run(connection, &format!("UPDATE {name} SET {change} {of_other}")).await?;
        let deleted = run(connection, &format!("DELETE FROM {name} {of_other}")).await?;
        Ok((changed + deleted > 0).then_some("a user can change or delete another user's rows"))
    }
}

async fn count(connection: &Connection, query: &str) -> QueryResult<i64> {
    let counts: Vec<Count> = rows(connection, query).await?;
    Ok(counts.as_slice().first().map_or(0, |count| count.rows))
}

#[expect(clippy::disallowed_methods, reason = "catalog queries, and the canary must not depend on what it checks")]
async fn rows<T>(connection: &Connection, query: &str) -> QueryResult<Vec<T>>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    connection.load(sql_query(query)).await
}

#[expect(clippy::disallowed_methods, reason = "statements the query builder doesn't have")]
async fn run(connection: &Connection, statement: &str) -> QueryResult<usize> {
    connection.execute(sql_query(statement)).await
}
