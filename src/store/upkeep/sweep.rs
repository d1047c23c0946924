//! Removes what has expired, of all users: idempotency keys, tombstones that no valid cursor needs, and what is past its
//! time in the trash. In bounded batches, by one instance at a time, and as a role that can read nothing of what users wrote: of
//! tombstones it sees whose they are and when, of idempotency keys only expired ones.
//!
//! Of a user's tombstones that have expired the newest stays. It may be the head of their feed: without it, cursors that are
//! up to date would be ahead of the feed, and their clients would start over. The others go when that one expires, or, where
//! nobody sweeps for two days, when the next one does: to look at all that stay each time would take seconds for a million
//! users.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::sql_types::{BigInt, Interval, Text};
use futures::FutureExt;
use tokio::time::sleep;

use crate::{
    error::Result,
    store::{
        connection::Connection,
        pool::Pool,
        sql::{emptied::emptied, statement::Sql},
        transaction::{
            access::{BEGIN_READ_WRITE, COMMIT},
            cancellation::FinishOnDrop,
        },
    },
    task::{KEY_LIFETIME, TOMBSTONE_LIFETIME},
};

/// How often expired rows are looked for.
const INTERVAL: Duration = Duration::from_mins(10);
/// How many rows one transaction removes, so that it is short.
const BATCH: u16 = 1000;

/// Distributed tables need plans for the given values.
const ACT_AS_SWEEPER: &str = "SELECT set_config('role', 'tandem_sweeper', true), set_config('search_path', $1, true),
    set_config('plan_cache_mode', 'auto', true)";

/// Each removes a batch of what is older than `$1`; how old that is, but for the trash, whose time is a setting.
///
/// The lock is an arbitrary number that only this project uses. An instance that doesn't get it removes nothing.
const REMOVALS: [(&str, Option<TimeDelta>); 3] = [
    (
        "DELETE FROM idempotency_keys WHERE (user_id, key, part) IN (
             SELECT user_id, key, part FROM idempotency_keys WHERE created_at < now() - $1
             ORDER BY created_at LIMIT $2
         ) AND current_user = 'tandem_sweeper' AND (SELECT pg_try_advisory_xact_lock(8241978302147712))",
        Some(KEY_LIFETIME),
    ),
    (
        "DELETE FROM deleted_tasks WHERE (user_id, position, id) IN (
             SELECT user_id, expired.position, id FROM (
                 SELECT user_id, max(position) AS position FROM deleted_tasks
                 WHERE deleted_at < now() - $1 AND deleted_at > now() - $1 - interval '2 days' GROUP BY user_id
             ) AS newest JOIN deleted_tasks AS expired USING (user_id)
             WHERE expired.position < newest.position AND expired.deleted_at < now() - $1
             LIMIT $2
         ) AND current_user = 'tandem_sweeper' AND (SELECT pg_try_advisory_xact_lock(8241978302147712))",
        Some(TOMBSTONE_LIFETIME),
    ),
    (
        concat!(
            "UPDATE deleted_tasks SET ",
            emptied!(),
            " WHERE (user_id, position, id) IN (
                 SELECT user_id, position, id FROM deleted_tasks
                 WHERE created_at IS NOT NULL AND deleted_at <= now() - $1
                 ORDER BY deleted_at LIMIT $2
             ) AND current_user = 'tandem_sweeper' AND (SELECT pg_try_advisory_xact_lock(8241978302147712))"
        ),
        None,
    ),
];

/// Removes what has expired.
pub(in crate::store) struct Sweeper {
    pool: Pool,
    trash_lifetime: TimeDelta,
}

impl Sweeper {
    pub(in crate::store) fn new(pool: &Pool, trash_lifetime: TimeDelta) -> Self {
        Self { pool: pool.clone(), trash_lifetime }
    }

    /// Sweeps at intervals, forever. After a failure, the next sweep tries again.
    pub(in crate::store) async fn keep_sweeping(&self) {
        loop {
            match self.sweep().await {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "removed what has expired"),
                Err(error) => tracing::warn!(error = error.report(), "can't remove what has expired"),
            }
            sleep(INTERVAL).await;
        }
    }

    /// Removes everything that has expired, and counts it.
    pub(in crate::store) async fn sweep(&self) -> Result<usize> {
        let mut total = 0;
        for (removal, age) in REMOVALS {
            loop {
                let removed = self.remove_batch(removal, age.unwrap_or(self.trash_lifetime)).await?;
                total += removed;
                if removed < usize::from(BATCH) {
                    break;
                }
            }
        }
        Ok(total)
    }

    /// Finished even if the caller goes away.
    async fn remove_batch(&self, removal: &'static str, age: TimeDelta) -> Result<usize> {
        let mut lease = self.pool.lease().await?;
        let (limit, schema) = (self.pool.statement_timeout(), lease.schema());
        let remove = async move |connection: &Connection| {
            connection.execute(Sql::new(BEGIN_READ_WRITE)).await?;
            connection.execute(Sql::new(ACT_AS_SWEEPER).bind::<Text, _>(&*schema)).await?;
            let removal = Sql::new(removal).bind::<Interval, _>(age).bind::<BigInt, _>(i64::from(BATCH));
            let removed = connection.execute(removal).await?;
            connection.execute(Sql::new(COMMIT)).await?;
            Ok(removed)
        };
        let removed = async move { lease.run(limit, remove).await };
        FinishOnDrop::new(removed.boxed()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_removed_as_no_other_role() {
        for (sql, _) in REMOVALS {
            assert!(sql.contains("current_user = 'tandem_sweeper'"), "{sql}");
        }
    }
}
