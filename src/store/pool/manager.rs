//! How the pool makes its connections, and which of them may not go back to it.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bb8::ManageConnection;
use diesel::ConnectionError;
use parking_lot::Mutex;
use tokio::time::sleep;

use crate::{
    store::connection::{Connection, connect::Connector},
    timer::Timer,
};

/// The pause after a failed attempt to connect, which doubles up to the longest.
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Makes the pool's connections.
pub(super) struct Manager {
    pub(super) connector: Arc<Connector>,
    pub(super) last_failure: LastFailure,
    /// Which connections are the newest: older ones are retired.
    pub(super) generation: Arc<AtomicU64>,
}

impl ManageConnection for Manager {
    /// Boxed: it is moved out of the pool and back for each transaction.
    type Connection = Box<PooledConnection>;
    type Error = ConnectionError;

    /// Goes on until it succeeds: bb8 would not try again for requests that wait already.
    async fn connect(&self) -> Result<Box<PooledConnection>, ConnectionError> {
        let mut pause = MIN_PAUSE;
        loop {
            let generation = self.generation.load(Ordering::Relaxed);
            match self.connector.connect_to_schema().await {
                Ok((connection, schema)) => {
                    self.last_failure.clear();
                    let timer = Timer::default();
                    return Ok(Box::new(PooledConnection { connection, schema, generation, timer, is_broken: false }));
                }
                Err(error) => self.last_failure.note(&error),
            }
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn is_valid(&self, _: &mut Box<PooledConnection>) -> Result<(), ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, connection: &mut Box<PooledConnection>) -> bool {
        connection.is_broken() || std::thread::panicking()
    }
}

/// A connection of the pool.
pub(super) struct PooledConnection {
    pub(super) connection: Connection,
    /// The schema of the tables, quoted: what the login finds first, which the API role might not.
    pub(super) schema: Arc<str>,
    pub(super) generation: u64,
    /// What limits its transactions.
    timer: Timer,
    /// Whether it may be inside a transaction, or something may be on its way to it.
    pub(super) is_broken: bool,
}

impl PooledConnection {
    /// Does work within a limit. A connection whose work was not finished, because of the limit or because this future was
    /// dropped, is broken: it may be inside a transaction.
    pub(super) async fn limit<T>(&mut self, limit: Duration, work: impl AsyncFnOnce(&Connection) -> T) -> Option<T> {
        self.is_broken = true;
        let done = self.timer.limit(limit, pin!(work(&self.connection))).await;
        self.is_broken = done.is_none();
        done
    }

    /// Whether it was marked so, or the server has closed it.
    pub(super) fn is_broken(&mut self) -> bool {
        self.is_broken || self.connection.is_broken()
    }
}

/// Why the last attempt to connect failed; nothing after one that succeeded. Attempts are made apart from the request
/// that waits, which learns only that its time is over.
#[derive(Clone, Debug, Default)]
pub(super) struct LastFailure(Arc<Mutex<Option<String>>>);

impl LastFailure {
    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().clone()
    }

    fn clear(&self) {
        *self.0.lock() = None;
    }

    /// Logs a failure that is another one than the last.
    fn note(&self, error: &ConnectionError) {
        let failure = format!("can't connect to the database: {error}");
        let mut last = self.0.lock();
        if last.as_ref() != Some(&failure) {
            tracing::warn!("{failure}");
            *last = Some(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio_postgres::{Config, NoTls};

    use super::*;

    /// A connection to a server that lets everybody in and answers nothing; and the server's end of it.
    async fn connected() -> (PooledConnection, DuplexStream) {
        let (stream, mut server) = duplex(1024);
        let let_in = async {
            server.read_buf(&mut Vec::new()).await.unwrap();
            server.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await.unwrap();
        };
        let config = Config::new().user("ann").clone();
        let (((), connected), generation) = (futures::join!(let_in, config.connect_raw(stream, NoTls)), 0);
        let (client, connection) = connected.unwrap();
        let connection = Connection::new(client, connection, false).await.unwrap();
        let (schema, timer) = ("public".into(), Timer::default());
        (PooledConnection { connection, schema, generation, timer, is_broken: false }, server)
    }

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn a_connection_whose_work_is_done_is_as_good_as_before() {
        let (mut connection, _server) = connected().await;
        assert_eq!(connection.limit(LONG, async |_| 1).await, Some(1));
        assert!(!connection.is_broken());
    }

    #[tokio::test]
    async fn a_connection_whose_work_takes_too_long_or_is_dropped_is_broken() {
        let (mut connection, _server) = connected().await;
        assert_eq!(connection.limit(Duration::from_millis(1), async |_| pending::<()>().await).await, None);
        assert!(connection.is_broken());

        let (mut connection, _server) = connected().await;
        assert_eq!(connection.limit(LONG, async |_| pending::<()>().await).now_or_never(), None);
        assert!(connection.is_broken());
    }
}
