//! The last positions of many users' feeds, for streams that wait for other servers' writes. It acts as a role that can
//! read positions and nothing else.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz},
};
use tokio::time::timeout;

use crate::{
    error::{Error, Result},
    store::{
        cancellation::FinishOnDrop,
        connection::Connection,
        pool::{Lease, Pool},
    },
};

/// The era of a feed, and the time of its last change.
pub(in crate::store) type Head = (i32, Option<DateTime<Utc>>);
/// A user, and the head that is known of the user's feed.
pub(in crate::store) type Known = (Arc<str>, Option<Head>);

impl Pool {
    /// The heads that are not as known. A null one is not known any more.
    pub(in crate::store) async fn moved_heads(&self, known: &[Known]) -> Result<Vec<(Arc<str>, Head)>> {
        let lease = self.lease().await?;
        let heads = Heads::new(known, self.connector().is_distributed());
        let read = read_heads(lease, heads, self.statement_timeout(), self.statement_timeout_setting().to_owned());
        let rows = FinishOnDrop::new(read).await?;
        let moved = rows.into_iter().filter_map(|(place, era, last)| {
            let (user, _) = known.get(usize::try_from(place).ok()?.checked_sub(1)?)?;
            Some((Arc::clone(user), (era, last)))
        });
        Ok(moved.collect())
    }
}

async fn read_heads(mut lease: Lease, heads: Heads, limit: Duration, setting: String) -> Result<Vec<HeadRow>> {
    let read = timeout(limit, read_in_transaction(lease.connection(), lease.schema(), heads, &setting)).await;
    if !matches!(read, Ok(Ok(_))) {
        lease.spoil();
    }
    read.map_err(Error::unavailable)?.map_err(Error::unavailable)
}

/// All of it is sent at once. Behind a BEGIN that failed, the login reads what it may.
async fn read_in_transaction(
    connection: &Connection,
    schema: &str,
    heads: Heads,
    limit: &str,
) -> QueryResult<Vec<HeadRow>> {
    let act_as_feed = ActAsFeed { schema, limit, plans_for_values: heads.is_distributed };
    let (begin, acting, rows, commit) = futures::join!(
        connection.execute(Begin),
        connection.execute(act_as_feed),
        connection.load(heads),
        connection.execute(Commit),
    );
    begin.and(acting)?;
    let rows = rows?;
    commit?;
    Ok(rows)
}

#[derive(QueryId)]
struct Begin;

impl QueryFragment<Pg> for Begin {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("BEGIN READ ONLY");
        Ok(())
    }
}

#[derive(QueryId)]
struct Commit;

impl QueryFragment<Pg> for Commit {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("COMMIT");
        Ok(())
    }
}

struct ActAsFeed<'a> {
    schema: &'a str,
    limit: &'a str,
    /// Otherwise there is one plan for all values.
    plans_for_values: bool,
}

impl QueryFragment<Pg> for ActAsFeed<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT set_config('role', 'tandem_feed', true), set_config('search_path', ");
        out.push_bind_param::<Text, str>(self.schema)?;
        out.push_sql(", true), set_config('statement_timeout', ");
        out.push_bind_param::<Text, str>(self.limit)?;
        out.push_sql(", true)");
        if self.plans_for_values {
            out.push_sql(", set_config('plan_cache_mode', 'auto', true)");
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
type HeadRow = (i64, i32, Option<DateTime<Utc>>);

struct Heads {
    users: Vec<String>,
    eras: Vec<Option<i32>>,
    last: Vec<Option<DateTime<Utc>>>,
    is_distributed: bool,
}

/// Two probes of an index for each user. They begin at the known head: an index scan that begins at the end of the user's
/// entries reads all of them that are on the same page. Nothing is there any more after a backup was restored.
/// Without OFFSET, the probes may be put in both places where the head is named.
const PROBED: &str = "
    SELECT place, era, head FROM (
        SELECT place, known_era, known, era, greatest(
            (SELECT updated_at FROM tasks
                WHERE tasks.user_id = watched.user_id AND updated_at >= coalesce(known, '-infinity')
                ORDER BY updated_at DESC LIMIT 1),
            (SELECT deleted_at FROM deleted_tasks
                WHERE deleted_tasks.user_id = watched.user_id AND deleted_at >= coalesce(known, '-infinity')
                ORDER BY deleted_at DESC LIMIT 1)
        ) AS head
        FROM feed_era, watched OFFSET 0
    ) AS heads WHERE (era, head) IS DISTINCT FROM (known_era, known)";

/// The same where tables are distributed, and no subquery can ask for the rows of each user in turn: it reads the positions
/// of all of these users' rows, beside each other on all servers.
const GROUPED: &str = "
    , positions AS MATERIALIZED (
        SELECT user_id, max(position) AS head FROM (
            SELECT user_id, max(updated_at) AS position FROM tasks WHERE user_id = ANY ($1) GROUP BY user_id
            UNION ALL
            SELECT user_id, max(deleted_at) FROM deleted_tasks WHERE user_id = ANY ($1) GROUP BY user_id
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
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.last)?;
        out.push_sql(") WITH ORDINALITY)");
        out.push_sql(if self.is_distributed { GROUPED } else { PROBED });
        Ok(())
    }
}

impl Query for Heads {
    type SqlType = (BigInt, Integer, Nullable<Timestamptz>);
}

/// Told apart by its SQL.
impl QueryId for Heads {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
