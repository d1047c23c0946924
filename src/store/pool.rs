//! The pool of connections, and when a connection is not fit to go back to it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bb8::{ErrorSink, ManageConnection, RunError};
use diesel::ConnectionError;
use diesel_async::{AsyncPgConnection, pooled_connection::PoolableConnection};
use tokio::time::{Instant, sleep};

use super::{DbConfig, connect::Connector};
use crate::error::{Error, Result};

/// Connections to one database.
#[derive(Clone)]
pub(super) struct Pool {
    connections: bb8::Pool<Manager>,
    connector: Arc<Connector>,
    last_failure: LastFailure,
    statement_timeout: Duration,
}

/// A connection that belongs to one operation until it is dropped, which gives it back.
pub(super) type Lease = bb8::PooledConnection<'static, Manager>;

impl Pool {
    pub(super) async fn open(config: &DbConfig) -> Result<Self> {
        let connector = config.target.connector(config.statement_timeout).map_err(Error::internal)?;
        let connector = Arc::new(connector);
        let last_failure = LastFailure::default();
        let connections = bb8::Pool::builder()
            .max_size(config.pool_size)
            .connection_timeout(config.checkout_timeout)
            // A `SELECT 1` before every use would cost a third of the throughput.
            .test_on_check_out(false)
            .error_sink(Box::new(last_failure.clone()))
            .build(Manager { connector: Arc::clone(&connector), last_failure: last_failure.clone() })
            .await
            .map_err(Error::unavailable)?;
        Ok(Self { connections, connector, last_failure, statement_timeout: config.statement_timeout })
    }

    pub(super) fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    pub(super) fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// A connection that was alive when last heard of. Those the server has closed meanwhile are dropped on the way.
    pub(super) async fn lease(&self) -> Result<Lease> {
        loop {
            let mut lease = self.connections.get_owned().await.map_err(|error| self.unavailable(error))?;
            if !lease.is_unfit() {
                return Ok(lease);
            }
        }
    }

    /// Waits until no connection is leased, or until the deadline.
    pub(super) async fn drain(&self, deadline: Instant) {
        let is_idle = || self.connections.state().connections == self.connections.state().idle_connections;
        while !is_idle() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn unavailable(&self, error: RunError<ConnectionError>) -> Error {
        match (error, self.last_failure.get()) {
            (RunError::User(error), _) => Error::unavailable(error),
            (RunError::TimedOut, Some(failure)) => Error::unavailable(failure),
            (RunError::TimedOut, None) => Error::unavailable("no database connection became free in time"),
        }
    }
}

/// Makes the pool's connections.
pub(super) struct Manager {
    connector: Arc<Connector>,
    last_failure: LastFailure,
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = ConnectionError;

    async fn connect(&self) -> Result<Session, ConnectionError> {
        let connection = self.connector.connect().await?;
        self.last_failure.set(None);
        Ok(Session { connection, is_spoilt: false })
    }

    async fn is_valid(&self, _: &mut Session) -> Result<(), ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.is_unfit() || std::thread::panicking()
    }
}

/// A connection and whether it can be trusted to be outside a transaction.
pub(super) struct Session {
    connection: AsyncPgConnection,
    is_spoilt: bool,
}

impl Session {
    pub(super) fn connection(&self) -> &AsyncPgConnection {
        &self.connection
    }

    /// Keeps the connection from being used again: it will be closed, which ends whatever it was doing.
    pub(super) fn spoil(&mut self) {
        self.is_spoilt = true;
    }

    /// Whether it was spoilt, or the server has closed it.
    pub(super) fn is_unfit(&mut self) -> bool {
        self.is_spoilt || self.connection.is_broken()
    }
}

/// Why the last attempt to connect failed; nothing after one that succeeded. Attempts are made apart from the request
/// that waits, which learns only that its time is over.
#[derive(Clone, Debug, Default)]
struct LastFailure(Arc<Mutex<Option<String>>>);

impl LastFailure {
    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, failure: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

impl<E: fmt::Display> ErrorSink<E> for LastFailure {
    fn sink(&self, error: E) {
        tracing::warn!(%error, "can't connect to the database");
        self.set(Some(format!("can't connect to the database: {error}")));
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<E>> {
        Box::new(self.clone())
    }
}
