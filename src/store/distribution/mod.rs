//! Tables that the extension Citus distributes over several servers, by user: each request reaches the one that has its
//! user's rows.
//!
//! Statements are the same as on one server. What differs is here, in the query of [`crate::store::feed`] for many users,
//! and in two functions of the database.

mod cluster;
mod shards;

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Untyped},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

pub use self::cluster::{Cluster, ClusterNode, cluster};
pub(super) use self::shards::{Nodes, examine};
use super::{
    connection::connect::HAS_CITUS,
    sql::statement::{Sql, SqlRow},
};

/// Roles may have been made for another database of the cluster: then other servers know them, and only a superuser could
/// alter all of them. Roles, tables and functions in one transaction need a single connection to each server.
const PREPARE: &str = "
    SET LOCAL citus.enable_alter_role_propagation = off;
    SET LOCAL citus.multi_shard_modify_mode = 'sequential'";

const STATE: &str = "
    SELECT (SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards) AS nodes,
           (SELECT count(*) FROM unnest(ARRAY['tasks', 'deleted_tasks', 'idempotency_keys', 'feed_era']) AS name
            WHERE NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(name))) AS undistributed";

/// Replaces functions that only work on one server.
const FUNCTIONS: &str = include_str!("functions.sql");

/// Row-level security hides rows from the tables' owner, but not from `tandem_feed`.
const LOOK: &str = "
    SELECT set_config('search_path', quote_ident(current_schema()), true), set_config('role', 'tandem_feed', true)";
const HAS_ROWS: &str = "SELECT EXISTS (SELECT FROM tasks) OR EXISTS (SELECT FROM deleted_tasks)";

/// How messages of Citus start when a node doesn't answer. They aren't translated, and diesel doesn't expose SQLSTATEs.
const NODE_IS_AWAY: [&str; 3] = [
    "connection to the remote node ",
    "could not establish any connections to the node ",
    "connection establishment for node ",
];

/// Where the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// On one server, without Citus.
    Absent,
    /// On one server, because the cluster has no nodes to distribute to.
    WithoutNodes,
    /// On one server, because they have rows that would have to be moved.
    Undistributed,
    /// On several servers, since just now.
    Done,
    /// On several servers.
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

/// Prepares a transaction that migrates for a database that is distributed, or will be.
pub(super) async fn prepare(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    if is_installed(connection).await? { connection.batch_execute(PREPARE).await } else { Ok(()) }
}

/// Distributes tables that have no rows; `with_rows`, those that have some, too.
pub(super) async fn distribute(connection: &mut AsyncPgConnection, with_rows: bool) -> QueryResult<Distribution> {
    if !is_installed(connection).await? {
        return Ok(Distribution::Absent);
    }
    let state: State = Sql::<State>::returning(STATE).get_result(connection).await?;
    if state.nodes == 0 {
        return Ok(Distribution::WithoutNodes);
    }
    if state.undistributed == 0 {
        // A migration may have replaced them with those of one server.
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
