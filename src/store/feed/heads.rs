//! The last positions of many users' feeds, for streams that wait for other servers' writes. It acts as a role that can
//! read positions and nothing else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use diesel::{
    QueryResult,
    deserialize::FromSqlRow,
    expression::QueryMetadata,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::CompatibleType,
    sql_types::{Array, BigInt, Integer, Nullable, Text},
};

use crate::{
    error::Result,
    store::{
        connection::Connection,
        pool::{Lease, Pool},
        transaction::{
            access::{BeginReadOnly, Commit},
            cancellation::FinishOnDrop,
        },
    },
};

/// The era of a feed, and the position of its last change.
pub(in crate::store) type Head = (i32, Option<i64>);
/// A user, and the head that is known of the user's feed.
pub(in crate::store) type Known = (Arc<str>, Option<Head>);

impl Pool {
    /// The heads that are not as known; while nodes of a distributed database are away, of the users on the others. A null
    /// one is not known any more.
    pub(in crate::store) async fn moved_heads(&self, known: &[Known]) -> Result<Vec<(Arc<str>, Head)>> {
        match self.moved_of(known).await {
            Err(error) if self.connector().is_distributed() => self.moved_by_node(known).await?.ok_or(error),
            moved => moved,
        }
    }

    async fn moved_of(&self, known: &[Known]) -> Result<Vec<(Arc<str>, Head)>> {
        let rows: Vec<HeadRow> = self.ask(Heads::new(known, self.connector().is_distributed())).await?;
        let moved = rows.into_iter().filter_map(|(place, era, last)| {
            let (user, _) = at(known, place)?;
            Some((Arc::clone(user), (era, last)))
        });
        Ok(moved.collect())
    }

    /// Asks for the users on each node apart; nothing if no node answers.
    async fn moved_by_node(&self, known: &[Known]) -> Result<Option<Vec<(Arc<str>, Head)>>> {
        let mut on_nodes = BTreeMap::<i32, Vec<Known>>::new();
        for (place, node) in self.ask(Nodes::of(known)).await? {
            on_nodes.entry(node).or_default().extend(at(known, place).cloned());
        }
        let mut moved = None;
        for neighbours in on_nodes.values() {
            if let Ok(found) = self.moved_of(neighbours).await {
                moved.get_or_insert_with(Vec::new).extend(found);
            }
        }
        Ok(moved)
    }

    async fn ask<Q, Row, ST>(&self, query: Q) -> Result<Vec<Row>>
    where
        Q: Query<SqlType: CompatibleType<Row, Pg, SqlType = ST>> + QueryFragment<Pg> + QueryId + Send + 'static,
        Row: FromSqlRow<ST, Pg> + Send + 'static,
        Pg: QueryMetadata<Q::SqlType>,
        ST: 'static,
    {
        let lease = self.lease().await?;
        let (limit, setting) = (self.statement_timeout(), self.statement_timeout_setting().to_owned());
        let is_distributed = self.connector().is_distributed();
        FinishOnDrop::new(Box::pin(read(lease, query, is_distributed, limit, setting))).await
    }
}

/// The one that a query numbers from 1.
fn at(known: &[Known], place: i64) -> Option<&Known> {
    known.get(usize::try_from(place).ok()?.checked_sub(1)?)
}

async fn read<Q, Row, ST>(
    mut lease: Lease,
    query: Q,
    is_distributed: bool,
    limit: Duration,
    setting: String,
) -> Result<Vec<Row>>
where
    Q: Query<SqlType: CompatibleType<Row, Pg, SqlType = ST>> + QueryFragment<Pg> + QueryId + Send,
    Row: FromSqlRow<ST, Pg> + Send + 'static,
    Pg: QueryMetadata<Q::SqlType>,
    ST: 'static,
{
    let schema = lease.schema();
    let act_as_feed = ActAsFeed { schema: &schema, limit: &setting, is_distributed };
    lease.run(limit, async move |connection| read_in_transaction(connection, act_as_feed, query).await).await
}

/// All of it is sent at once. Behind a BEGIN that failed, the login reads what it may.
async fn read_in_transaction<Q, Row, ST>(
    connection: &Connection,
    act_as_feed: ActAsFeed<'_>,
    query: Q,
) -> QueryResult<Vec<Row>>
where
    Q: Query<SqlType: CompatibleType<Row, Pg, SqlType = ST>> + QueryFragment<Pg> + QueryId + Send,
    Row: FromSqlRow<ST, Pg> + Send + 'static,
    Pg: QueryMetadata<Q::SqlType>,
    ST: 'static,
{
    let (begin, acting, rows, commit) = futures::join!(
        connection.execute(BeginReadOnly),
        connection.execute(act_as_feed),
        connection.load(query),
        connection.execute(Commit),
    );
    begin.and(acting)?;
    let rows = rows?;
    commit?;
    Ok(rows)
}

struct ActAsFeed<'a> {
    schema: &'a str,
    limit: &'a str,
    /// Then it needs a plan for known values instead of one for all, and no node is worth more than a second.
    is_distributed: bool,
}

impl QueryFragment<Pg> for ActAsFeed<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT set_config('role', 'tandem_feed', true), set_config('search_path', ");
        out.push_bind_param::<Text, str>(self.schema)?;
        out.push_sql(", true), set_config('statement_timeout', ");
        out.push_bind_param::<Text, str>(self.limit)?;
        out.push_sql(", true)");
        if self.is_distributed {
            out.push_sql(", set_config('plan_cache_mode', 'auto', true)");
            out.push_sql(", set_config('citus.node_connection_timeout', '1000', true)");
        }
        Ok(())
    }
}

/// Told apart by its SQL.
impl QueryId for ActAsFeed<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The place of a user in the question, and the head.
type HeadRow = (i64, i32, Option<i64>);

struct Heads {
    users: Vec<String>,
    eras: Vec<Option<i32>>,
    last: Vec<Option<i64>>,
    is_distributed: bool,
}

/// Two probes of an index for each user. They begin at the known head: an index scan that begins at the end of the user's
/// entries reads all of them that are on the same page. Nothing is there any more after a backup was restored.
/// Without OFFSET, the probes may be put in both places where the head is named.
const PROBED: &str = "
    SELECT place, era, head FROM (
        SELECT place, known_era, known, era, greatest(
            (SELECT position FROM tasks
                WHERE tasks.user_id = watched.user_id AND position >= coalesce(known, 0)
                ORDER BY position DESC LIMIT 1),
            (SELECT position FROM deleted_tasks
                WHERE deleted_tasks.user_id = watched.user_id AND position >= coalesce(known, 0)
                ORDER BY position DESC LIMIT 1)
        ) AS head
        FROM feed_era, watched OFFSET 0
    ) AS heads WHERE (era, head) IS DISTINCT FROM (known_era, known)";

/// The same where tables are distributed, and no subquery can ask for the rows of each user in turn: it reads the positions
/// of all of these users' rows, beside each other on all servers.
const GROUPED: &str = "
    , positions AS MATERIALIZED (
        SELECT user_id, max(position) AS head FROM (
            SELECT user_id, max(position) AS position FROM tasks WHERE user_id = ANY ($1) GROUP BY user_id
            UNION ALL
            SELECT user_id, max(position) FROM deleted_tasks WHERE user_id = ANY ($1) GROUP BY user_id
        ) AS positions GROUP BY user_id
    )
    SELECT place, era, head FROM feed_era, watched LEFT JOIN positions ON positions.user_id = watched.user_id
    WHERE (era, head) IS DISTINCT FROM (known_era, known)";

impl Heads {
    fn new(known: &[Known], is_distributed: bool) -> Self {
        Self {
            users: known.iter().map(|(user, _)| user.to_string()).collect(),
            eras: known.iter().map(|(_, head)| head.map(|(era, _)| era)).collect(),
            last: known.iter().map(|(_, head)| head.and_then(|(_, last)| last)).collect(),
            is_distributed,
        }
    }
}

impl QueryFragment<Pg> for Heads {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH watched (user_id, known_era, known, place) AS (SELECT * FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.users)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Integer>>, _>(&self.eras)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<BigInt>>, _>(&self.last)?;
        out.push_sql(") WITH ORDINALITY)");
        out.push_sql(if self.is_distributed { GROUPED } else { PROBED });
        Ok(())
    }
}

impl Query for Heads {
    type SqlType = (BigInt, Integer, Nullable<BigInt>);
}

/// Told apart by its SQL.
impl QueryId for Heads {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The place of each user in the question, and the node that has the user's rows.
struct Nodes {
    users: Vec<String>,
}

impl Nodes {
    fn of(known: &[Known]) -> Self {
        Self { users: known.iter().map(|(user, _)| user.to_string()).collect() }
    }
}

impl QueryFragment<Pg> for Nodes {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT place, groupid FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.users)?;
        out.push_sql(") WITH ORDINALITY AS watched (user_id, place) JOIN pg_dist_placement ");
        out.push_sql("ON shardid = get_shard_id_for_distribution_column('tasks', user_id)");
        Ok(())
    }
}

impl Query for Nodes {
    type SqlType = (BigInt, Integer);
}

/// Told apart by its SQL.
impl QueryId for Nodes {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
