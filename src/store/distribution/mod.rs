//! Tables that the extension Citus spreads over many servers, by user: each request asks the one that has its user's rows.
//!
//! Statements are the same as on one server. What differs is here, but for [`crate::store::feed`]'s question about many
//! users, and in two functions of the database.

mod shards;

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Untyped},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

pub(super) use self::shards::{Nodes, examine};
use super::{
    connection::connect::HAS_CITUS,
    sql::statement::{Sql, SqlRow},
};

/// Roles that were made for another database of the cluster are known to the other servers, and only a superuser could
/// alter all of them. Roles, tables and functions in one transaction need one connection to each server.
const PREPARE: &str = "
    SET LOCAL citus.enable_alter_role_propagation = off;
    SET LOCAL citus.multi_shard_modify_mode = 'sequential'";

const STATE: &str = "
    SELECT (SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards) AS nodes,
           (SELECT count(*) FROM unnest(ARRAY['tasks', 'deleted_tasks', 'idempotency_keys', 'feed_era']) AS name
            WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(name))) AS undistributed";

/// What takes the places of functions that do for one server.
const FUNCTIONS: &str = include_str!("functions.sql");

/// Row-level security hides rows from the owner of the tables, but not from this role.
const LOOK: &str = "
    SELECT set_config('search_path', quote_ident(current_schema()), true), set_config('role', 'tandem_feed', true)";
const HAS_ROWS: &str = "SELECT EXISTS (SELECT FROM tasks) OR EXISTS (SELECT FROM deleted_tasks)";

/// How Citus begins when a node doesn't answer. Its messages are not translated, and diesel doesn't pass SQLSTATEs on.
const NODE_IS_AWAY: [&str; 3] = [
    "connection to the remote node ",
    "could not establish any connections to the node ",
    "connection establishment for node ",
];

/// Where the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// On one server, which has nothing to distribute them with.
    Absent,
    /// On one server, as long as the cluster has no other ones.
    WithoutNodes,
    /// On one server, with rows that have to be moved.
    Undistributed,
    /// On many servers, as of now.
    Done,
    /// On many servers.
    Present,
}

impl Distribution {
    /// What to do about tables that could be distributed and are not.
    #[must_use]
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Undistributed => Some(
                "Citus is there, but all rows are on one server, as before. To move them, stop the servers, make a backup, \
                 and run `tandem migrate --distribute`: docs/OPERATIONS.md has the steps",
            ),
            Self::WithoutNodes => Some(
                "Citus is there, but no node to distribute to. Add the nodes with citus_add_node, and run `tandem migrate` \
                 again",
            ),
            Self::Absent | Self::Done | Self::Present => None,
        }
    }
}

/// Whether a statement failed because the node that has the rows doesn't answer.
pub(super) fn is_node_away(message: &str) -> bool {
    NODE_IS_AWAY.iter().any(|beginning| message.starts_with(beginning))
}

/// Makes a transaction that migrates ready for a database that is distributed, or will be.
pub(super) async fn prepare(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    if is_installed(connection).await? { connection.batch_execute(PREPARE).await } else { Ok(()) }
}

/// Distributes tables that have no rows, or those that have, too.
pub(super) async fn distribute(connection: &mut AsyncPgConnection, with_rows: bool) -> QueryResult<Distribution> {
    if !is_installed(connection).await? {
        return Ok(Distribution::Absent);
    }
    let state: State = Sql::<State>::returning(STATE).get_result(connection).await?;
    if state.nodes == 0 {
        return Ok(Distribution::WithoutNodes);
    }
    if state.undistributed == 0 {
        // A migration has put those of one server in their places.
        connection.batch_execute(FUNCTIONS).await?;
        return Ok(Distribution::Present);
    }
    if !with_rows && has_rows(connection).await? {
        return Ok(Distribution::Undistributed);
    }
    connection.batch_execute(include_str!("tables.sql")).await?;
    connection.batch_execute(FUNCTIONS).await?;
    Ok(Distribution::Done)
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = BigInt)]
    nodes: i64,
    #[diesel(sql_type = BigInt)]
    undistributed: i64,
}

impl SqlRow for State {
    type Columns = Untyped;
}

async fn is_installed(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    Sql::<bool>::returning(format!("SELECT {HAS_CITUS}")).get_result(connection).await
}

async fn has_rows(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    connection.batch_execute(LOOK).await?;
    let has_rows = Sql::<bool>::returning(HAS_ROWS).get_result(connection).await?;
    connection.batch_execute("SET LOCAL ROLE NONE").await?;
    Ok(has_rows)
}
