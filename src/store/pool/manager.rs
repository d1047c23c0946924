//! How the pool makes its connections, and which of them may not go back to it.

use std::{
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
    pub(super) timer: Timer,
    /// Whether it may be inside a transaction, or something may be on its way to it.
    pub(super) is_broken: bool,
}

impl PooledConnection {
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
