//! The last positions of many users' feeds, for streams that wait for other servers' writes. It acts as a role that can
//! read positions and nothing else.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Integer, Nullable, Text, Timestamptz},
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

const ACT_AS_FEED: &str = "
    SELECT set_config('role', 'tandem_feed', true), set_config('search_path', $1, true),
           set_config('statement_timeout', $2, true)";

/// Two probes of an index for each user.
const HEADS: &str = "
    SELECT watched.user_id, era, greatest(
        (SELECT updated_at FROM tasks WHERE tasks.user_id = watched.user_id ORDER BY updated_at DESC LIMIT 1),
        (SELECT deleted_at FROM deleted_tasks WHERE deleted_tasks.user_id = watched.user_id ORDER BY deleted_at DESC LIMIT 1)
    ) AS last
    FROM feed_era, unnest($1) AS watched (user_id)";

/// The same where tables are distributed, and no subquery can ask for the rows of each user in turn: it reads the positions
/// of all of these users' rows, beside each other on all servers.
const DISTRIBUTED_HEADS: &str = "
    WITH heads AS MATERIALIZED (
        SELECT user_id, max(position) AS last FROM (
            SELECT user_id, max(updated_at) AS position FROM tasks WHERE user_id = ANY ($1) GROUP BY user_id
            UNION ALL
            SELECT user_id, max(deleted_at) FROM deleted_tasks WHERE user_id = ANY ($1) GROUP BY user_id
        ) AS positions GROUP BY user_id
    )
    SELECT watched.user_id, era, last
    FROM feed_era, unnest($1) AS watched (user_id) LEFT JOIN heads ON heads.user_id = watched.user_id";
const PLAN_FOR_VALUES: &str = ", set_config('plan_cache_mode', 'auto', true)";

/// A user, the era, and the time of the user's last change.
type Head = (String, i32, Option<DateTime<Utc>>);

#[derive(QueryableByName)]
struct HeadRow {
    #[diesel(sql_type = Text)]
    user_id: String,
    #[diesel(sql_type = Integer)]
    era: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last: Option<DateTime<Utc>>,
}

/// Whose heads are asked for, and how.
struct Question {
    users: Vec<String>,
    statement_timeout: String,
    is_distributed: bool,
}

impl Pool {
    /// The heads of these users' feeds.
    pub(in crate::store) async fn heads(&self, users: &[Arc<str>]) -> Result<Vec<Head>> {
        let users = users.iter().map(ToString::to_string).collect();
        let lease = self.lease().await?;
        let statement_timeout = self.statement_timeout_setting().to_owned();
        let question = Question { users, statement_timeout, is_distributed: self.connector().is_distributed() };
        FinishOnDrop::new(read_heads(lease, question, self.statement_timeout())).await
    }
}

async fn read_heads(mut lease: Lease, question: Question, limit: Duration) -> Result<Vec<Head>> {
    let read = timeout(limit, read_in_transaction(lease.connection(), lease.schema(), &question)).await;
    if !matches!(read, Ok(Ok(_))) {
        lease.spoil();
    }
    let rows = read.map_err(Error::unavailable)?.map_err(Error::unavailable)?;
    Ok(rows.into_iter().map(|HeadRow { user_id, era, last }| (user_id, era, last)).collect())
}

#[expect(clippy::disallowed_methods, reason = "statements the query builder doesn't have")]
async fn read_in_transaction(connection: &Connection, schema: &str, question: &Question) -> QueryResult<Vec<HeadRow>> {
    let Question { users, statement_timeout: limit, is_distributed } = question;
    let (more, heads) = if *is_distributed { (PLAN_FOR_VALUES, DISTRIBUTED_HEADS) } else { ("", HEADS) };
    let act_as = sql_query(format!("{ACT_AS_FEED}{more}")).bind::<Text, _>(schema).bind::<Text, _>(limit);
    connection.execute(sql_query("BEGIN READ ONLY")).await?;
    connection.execute(act_as).await?;
    let rows = connection.load(sql_query(heads).bind::<Array<Text>, _>(users)).await?;
    connection.execute(sql_query("COMMIT")).await?;
    Ok(rows)
}
