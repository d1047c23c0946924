//! A lock that a test holds on tasks, so that the server's statements wait.

use tokio_postgres::Client;

use super::{TestDb, eventually};

/// Held until it is released or dropped.
pub struct Lock(Client);

impl Lock {
    /// On the whole table, for which reads wait, too.
    pub async fn table(db: &TestDb) -> Self {
        Self::taken(db, "LOCK TABLE tasks").await
    }

    /// On every task there is, for which only writes wait.
    pub async fn rows(db: &TestDb) -> Self {
        Self::taken(db, "SELECT FROM tasks FOR UPDATE").await
    }

    async fn taken(db: &TestDb, statement: &str) -> Self {
        let client = db.superuser().await;
        client.batch_execute(&format!("BEGIN; {statement}")).await.expect("a lock");
        Self(client)
    }

    /// How many statements of this database wait for a lock.
    pub async fn blocked(&self) -> i64 {
        blocked(&self.0).await
    }

    /// Waits until this many statements wait for a lock.
    pub async fn blocks(&self, count: i64) {
        eventually("statements wait for the lock", async || self.blocked().await == count).await;
    }

    pub async fn release(self) {
        self.0.batch_execute("COMMIT").await.expect("an end");
    }
}

/// How many statements wait for a lock in the database of this connection, which may be in a transaction itself.
pub async fn blocked(client: &Client) -> i64 {
    // Within a transaction, statistics stay as they were at the first look.
    client.batch_execute("SELECT pg_stat_clear_snapshot()").await.expect("a fresh view");
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    client.query_one(waiting, &[]).await.expect("a count").get(0)
}
