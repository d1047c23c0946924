//! The heads of many users' feeds, for streams that wait for other servers' writes. They are read as a role that can read
//! positions and nothing else.

use std::{collections::BTreeMap, sync::Arc};

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Untyped},
};
use futures::FutureExt;

use crate::{
    error::Result,
    store::{
        connection::Connection,
        pool::Pool,
        sql::statement::{Sql, SqlRow, Statement},
        transaction::{
            access::{BEGIN_READ_ONLY, COMMIT},
            cancellation::FinishOnDrop,
        },
    },
};

/// How far a feed has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The era of the database's feeds.
    pub era: i32,
    /// The position of the last change; none if there was none.
    pub last: Option<i64>,
}

/// A feed that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedFeed {
    /// Whose feed it is.
    pub user: Arc<str>,
    /// Its last known head.
    pub head: Option<Head>,
}

/// Finds the feeds that have moved.
pub(in crate::store) struct FeedWatcher {
    pool: Pool,
}

impl FeedWatcher {
    pub(in crate::store) fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone() }
    }

    /// The heads that differ from the known ones. While nodes of a distributed database are down, those of users on the
    /// others.
    pub(in crate::store) async fn moved(&self, watched: &[WatchedFeed]) -> Result<Vec<(Arc<str>, Head)>> {
        match self.heads(watched).await {
            Err(error) if self.pool.connector().is_distributed() => self.moved_by_node(watched).await?.ok_or(error),
            moved => moved,
        }
    }

    async fn heads(&self, watched: &[WatchedFeed]) -> Result<Vec<(Arc<str>, Head)>> {
        let users: Vec<_> = watched.iter().map(|feed| feed.user.to_string()).collect();
        let eras: Vec<_> = watched.iter().map(|feed| feed.head.map(|head| head.era)).collect();
        let last: Vec<_> = watched.iter().map(|feed| feed.head.and_then(|head| head.last)).collect();
        let sql = if self.pool.connector().is_distributed() { GROUPED } else { PROBED };
        let query = Sql::<HeadRow>::returning(sql)
            .bind::<Array<Text>, _>(users)
            .bind::<Array<Nullable<Integer>>, _>(eras)
            .bind::<Array<Nullable<BigInt>>, _>(last);
        let moved = self.ask(query).await?.into_iter().filter_map(|HeadRow { number, era, last }| {
            let WatchedFeed { user, .. } = numbered(watched, number)?;
            Some((Arc::clone(user), Head { era, last }))
        });
        Ok(moved.collect())
    }

    /// Asks for the users of each node separately; `None` if no node answers.
    async fn moved_by_node(&self, watched: &[WatchedFeed]) -> Result<Option<Vec<(Arc<str>, Head)>>> {
        let users: Vec<_> = watched.iter().map(|feed| feed.user.to_string()).collect();
        let mut on_nodes = BTreeMap::<i32, Vec<WatchedFeed>>::new();
        for NodeRow { number, node } in self.ask(Sql::<NodeRow>::returning(NODES).bind::<Array<Text>, _>(users)).await?
        {
            on_nodes.entry(node).or_default().extend(numbered(watched, number).cloned());
        }
        let mut moved = None;
        for neighbours in on_nodes.values() {
            if let Ok(found) = self.heads(neighbours).await {
                moved.get_or_insert_with(Vec::new).extend(found);
            }
        }
        Ok(moved)
    }

    /// Finished even if the caller goes away.
    pub(super) async fn ask<Row: Send + 'static>(
        &self,
        query: impl Statement<Row> + Send + 'static,
    ) -> Result<Vec<Row>> {
        let mut lease = self.pool.lease().await?;
        let limit = self.pool.statement_timeout();
        let sql = if self.pool.connector().is_distributed() { ACT_AS_FEED_ON_NODES } else { ACT_AS_FEED };
        let act_as_feed = Sql::new(sql)
            .bind::<Text, _>(lease.schema().to_string())
            .bind::<Text, _>(self.pool.statement_timeout_setting().to_owned());
        let read = async move { lease.run(limit, async |connection| read(connection, act_as_feed, query).await).await };
        FinishOnDrop::new(read.boxed()).await
    }
}

/// The feed with this number, counted from 1.
fn numbered(watched: &[WatchedFeed], number: i64) -> Option<&WatchedFeed> {
    watched.get(usize::try_from(number).ok()?.checked_sub(1)?)
}

/// Sends everything at once. After a BEGIN that failed, the role isn't `tandem_feed`, and nothing is read.
async fn read<Row>(connection: &Connection, act_as_feed: Sql<'_>, query: impl Statement<Row>) -> QueryResult<Vec<Row>> {
    let (begun, acting, rows, committed) = futures::join!(
        connection.execute(Sql::new(BEGIN_READ_ONLY)),
        connection.execute(act_as_feed),
        query.rows(connection),
        connection.execute(Sql::new(COMMIT)),
    );
    begun.and(acting)?;
    let rows = rows?;
    committed?;
    Ok(rows)
}

const ACT_AS_FEED: &str = "SELECT set_config('role', 'tandem_feed', true), set_config('search_path', $1, true),
    set_config('statement_timeout', $2, true)";

/// The same for distributed tables: they need plans for the given values, and each node gets a second at most.
const ACT_AS_FEED_ON_NODES: &str =
    "SELECT set_config('role', 'tandem_feed', true), set_config('search_path', $1, true),
    set_config('statement_timeout', $2, true), set_config('plan_cache_mode', 'auto', true),
    set_config('citus.node_connection_timeout', '1000', true)";

/// A feed that has moved, by its number, and its head.
#[derive(QueryableByName)]
struct HeadRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Integer)]
    era: i32,
    #[diesel(sql_type = Nullable<BigInt>)]
    last: Option<i64>,
}

impl SqlRow for HeadRow {
    type Columns = Untyped;
}

/// Two index probes per user. They start at the known head: a scan that starts at the end of the user's entries would read
/// all of them that are on the same page. After a restored backup they find nothing, and the head is null. OFFSET keeps
/// PostgreSQL from inlining the probes where `last` is used twice.
const PROBED: &str = "
    WITH watched (user_id, known_era, known, number) AS (SELECT * FROM unnest($1, $2, $3) WITH ORDINALITY)
    SELECT number, era, last FROM (
        SELECT number, known_era, known, era, greatest(
            (SELECT position FROM tasks
                WHERE tasks.user_id = watched.user_id AND position >= coalesce(known, 0)
                ORDER BY position DESC LIMIT 1),
            (SELECT position FROM deleted_tasks
                WHERE deleted_tasks.user_id = watched.user_id AND position >= coalesce(known, 0)
                ORDER BY position DESC LIMIT 1)
        ) AS last
        FROM feed_era, watched WHERE current_user = 'tandem_feed' OFFSET 0
    ) AS heads WHERE (era, last) IS DISTINCT FROM (known_era, known)";

/// The same for distributed tables, where no correlated subquery can probe for each user: reads the positions of all of these
/// users' rows, in parallel on all servers.
const GROUPED: &str = "
    WITH watched (user_id, known_era, known, number) AS (SELECT * FROM unnest($1, $2, $3) WITH ORDINALITY),
    positions AS MATERIALIZED (
        SELECT user_id, max(position) AS last FROM (
            SELECT user_id, max(position) AS position FROM tasks WHERE user_id = ANY ($1) GROUP BY user_id
            UNION ALL
            SELECT user_id, max(position) FROM deleted_tasks WHERE user_id = ANY ($1) GROUP BY user_id
        ) AS positions GROUP BY user_id
    )
    SELECT number, era, last FROM feed_era, watched LEFT JOIN positions ON positions.user_id = watched.user_id
    WHERE (era, last) IS DISTINCT FROM (known_era, known) AND current_user = 'tandem_feed'";

/// A feed, by its number, and the node that has its user's rows.
#[derive(QueryableByName)]
struct NodeRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Integer)]
    node: i32,
}

impl SqlRow for NodeRow {
    type Columns = Untyped;
}

const NODES: &str = "
    SELECT number, groupid AS node FROM unnest($1) WITH ORDINALITY AS watched (user_id, number)
    JOIN pg_dist_placement ON shardid = get_shard_id_for_distribution_column('tasks', user_id)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_no_other_role() {
        for sql in [PROBED, GROUPED] {
            assert!(sql.contains("current_user = 'tandem_feed'"), "{sql}");
        }
    }
}
