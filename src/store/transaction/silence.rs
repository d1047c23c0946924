//! Ends connections that have gone silent in the middle of a transaction.
//!
//! When the way to the database fails without a word, and a part of a pipeline has got there, PostgreSQL waits for the rest
//! and keeps what the transaction has locked. None of its limits runs then: `statement_timeout` ends with a statement,
//! `idle_in_transaction_session_timeout` begins behind the pipeline's `Sync`, and a request to cancel has no effect while it
//! reads. TCP tells it after a minute with our connections' settings, a pooler perhaps never. So whoever notices ends them, on
//! another connection: a server that gets no answer, and one that waits for a lock. Behind a pooler nobody but PostgreSQL
//! knows whose connection is whose, so it is asked by what they do.
//!
//! A transaction is sent without waiting, so one that has waited for its client for long has lost it. One that executes a
//! statement, or waits for a lock, is left alone.

use std::time::Duration;

use diesel::sql_types::Text;

use crate::store::{connection::Connection, pool::Pool, sql::statement::Sql};

/// How long a write waits for its user's lock before it looks at who holds it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The holder of a user's lock, whose key is that of the function `tandem_lock`.
const END_HOLDER: &str = "
    SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended($1, 8241978302147713)
      AND a.usename = session_user
      AND a.state <> 'idle' AND a.wait_event = 'ClientRead' AND a.state_change < clock_timestamp() - interval '2 seconds'";

/// All connections of servers like this one.
const END_ALL: &str = "
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = session_user AND starts_with(application_name, 'tandem')
      AND state <> 'idle' AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - interval '2 seconds'";

/// How long a write waits for its user's lock at once.
pub(super) fn lock_timeout(statement_timeout: Duration) -> Duration {
    PATIENCE.min(statement_timeout)
}

/// Ends the connection that holds a user's lock if it has gone silent. Whether it did.
pub(super) async fn end_holder(pool: &Pool, user: &str) -> bool {
    end(pool, Sql::returning(END_HOLDER).bind::<Text, _>(user)).await
}

/// Ends all connections that have gone silent.
pub(super) async fn end_all(pool: &Pool) {
    end(pool, Sql::returning(END_ALL)).await;
}

async fn end(pool: &Pool, statement: Sql<'_, bool>) -> bool {
    let ended = async {
        let ended = async |connection: &Connection| statement.rows(connection).await;
        pool.lease().await?.run(pool.statement_timeout(), ended).await
    };
    match ended.await.map(|ended| ended.into_iter().filter(|is_ended| *is_ended).count()) {
        Ok(0) => return false,
        Ok(count) => tracing::warn!(count, "ended database connections that had gone silent in a transaction"),
        Err(error) => {
            tracing::warn!(error = error.report(), "can't end database connections that have gone silent");
            return false;
        }
    }
    true
}
