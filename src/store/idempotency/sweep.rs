//! Removes expired keys of all users, in bounded batches and by one instance at a time. It acts as a role that sees
//! nothing but the names of expired keys.

use std::time::Duration;

use diesel::{
    QueryResult, sql_query,
    sql_types::{Integer, Text},
};
use tokio::time::{sleep, timeout};

use crate::{
    error::{Error, Result},
    store::{
        cancellation::FinishOnDrop,
        connection::Connection,
        pool::{Lease, Pool},
    },
};

/// How often expired keys are looked for.
const INTERVAL: Duration = Duration::from_mins(10);
/// How many keys one transaction removes: few enough to be done in an instant.
const BATCH: u16 = 1000;

/// Distributed tables need a plan for known values.
const ACT_AS_SWEEPER: &str = "
    SELECT set_config('role', 'tandem_sweeper', true), set_config('search_path', $1, true),
           set_config('plan_cache_mode', 'auto', true)";

/// The lock is any number that only this project uses. Whoever doesn't get it leaves the work to whoever has it.
const REMOVE_BATCH: &str = "
    DELETE FROM idempotency_keys WHERE (user_id, key, part) IN (
        SELECT user_id, key, part FROM idempotency_keys WHERE created_at < now() - interval '24 hours'
        ORDER BY created_at LIMIT $1
    ) AND (SELECT pg_try_advisory_xact_lock(8241978302147712))";

impl Pool {
    /// Sweeps now and then, for ever. A sweep that fails is repeated with the next one.
    pub(in crate::store) async fn keep_swept(&self) {
        loop {
            match self.sweep().await {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "removed expired idempotency keys"),
                Err(error) => tracing::warn!(error = error.report(), "can't remove expired idempotency keys"),
            }
            sleep(INTERVAL).await;
        }
    }

    /// Removes all expired keys, and counts them.
    pub(in crate::store) async fn sweep(&self) -> Result<usize> {
        let mut total = 0;
        loop {
            let lease = self.lease().await?;
            let removed = FinishOnDrop::new(remove_batch(lease, self.statement_timeout())).await?;
            total += removed;
            if removed < usize::from(BATCH) {
                return Ok(total);
            }
        }
    }
}

async fn remove_batch(mut lease: Lease, limit: Duration) -> Result<usize> {
    let removed = lease.connection().run(|connection| remove_in_transaction(connection, lease.schema()));
    let removed = timeout(limit, removed).await;
    if !matches!(removed, Ok(Ok(_))) {
        lease.spoil();
    }
    removed.map_err(Error::unavailable)?.map_err(Error::unavailable)
}

#[expect(clippy::disallowed_methods, reason = "statements the query builder doesn't have")]
async fn remove_in_transaction(connection: &Connection, schema: &str) -> QueryResult<usize> {
    connection.execute(sql_query("BEGIN")).await?;
    connection.execute(sql_query(ACT_AS_SWEEPER).bind::<Text, _>(schema)).await?;
    let removed = connection.execute(sql_query(REMOVE_BATCH).bind::<Integer, _>(i32::from(BATCH))).await?;
    connection.execute(sql_query("COMMIT")).await?;
    Ok(removed)
}
