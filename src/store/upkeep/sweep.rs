//! Removes what has expired, of all users: idempotency keys, and tombstones that every cursor is too old for. In bounded
//! batches, by one instance at a time, and as a role that sees nothing but the names of expired rows.

use std::time::Duration;

use diesel::{
    QueryResult, sql_query,
    sql_types::{Integer, Text},
};
use tokio::time::sleep;

use crate::{
    error::Result,
    store::{
        connection::Connection,
        pool::{Lease, Pool},
        transaction::cancellation::FinishOnDrop,
    },
};

/// How often expired rows are looked for.
const INTERVAL: Duration = Duration::from_mins(10);
/// How many rows one transaction removes: few enough to be done in an instant.
const BATCH: u16 = 1000;

/// Distributed tables need a plan for known values.
const ACT_AS_SWEEPER: &str = "
    SELECT set_config('role', 'tandem_sweeper', true), set_config('search_path', $1, true),
           set_config('plan_cache_mode', 'auto', true)";

/// Each removes a batch of what expires.
///
/// The lock is any number that only this project uses. Whoever doesn't get it leaves the work to whoever has it.
const REMOVALS: [&str; 2] = [
    "DELETE FROM idempotency_keys WHERE (user_id, key, part) IN (
         SELECT user_id, key, part FROM idempotency_keys WHERE created_at < now() - interval '24 hours'
         ORDER BY created_at LIMIT $1
     ) AND (SELECT pg_try_advisory_xact_lock(8241978302147712))",
    "DELETE FROM deleted_tasks WHERE (user_id, position, id) IN (
         SELECT user_id, position, id FROM deleted_tasks WHERE deleted_at < now() - interval '31 days'
         LIMIT $1
     ) AND (SELECT pg_try_advisory_xact_lock(8241978302147712))",
];

impl Pool {
    /// Sweeps now and then, for ever. A sweep that fails is repeated with the next one.
    pub(in crate::store) async fn keep_swept(&self) {
        loop {
            match self.sweep().await {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "removed what has expired"),
                Err(error) => tracing::warn!(error = error.report(), "can't remove what has expired"),
            }
            sleep(INTERVAL).await;
        }
    }

    /// Removes all that has expired, and counts it.
    pub(in crate::store) async fn sweep(&self) -> Result<usize> {
        let mut total = 0;
        for removal in REMOVALS {
            total += self.sweep_with(removal).await?;
        }
        Ok(total)
    }

    async fn sweep_with(&self, removal: &'static str) -> Result<usize> {
        let mut total = 0;
        loop {
            let lease = self.lease().await?;
            let removal = Box::pin(remove_batch(lease, removal, self.statement_timeout()));
            let removed = FinishOnDrop::new(removal).await?;
            total += removed;
            if removed < usize::from(BATCH) {
                return Ok(total);
            }
        }
    }
}

async fn remove_batch(mut lease: Lease, removal: &'static str, limit: Duration) -> Result<usize> {
    let schema = lease.schema();
    lease.run(limit, async |connection| remove_in_transaction(connection, removal, &schema).await).await
}

#[expect(clippy::disallowed_methods, reason = "statements the query builder doesn't have")]
async fn remove_in_transaction(connection: &Connection, removal: &str, schema: &str) -> QueryResult<usize> {
    connection.execute(sql_query("BEGIN")).await?;
    connection.execute(sql_query(ACT_AS_SWEEPER).bind::<Text, _>(schema)).await?;
    let removed = connection.execute(sql_query(removal).bind::<Integer, _>(i32::from(BATCH))).await?;
    connection.execute(sql_query("COMMIT")).await?;
    Ok(removed)
}
