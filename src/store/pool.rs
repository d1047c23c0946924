//! The pool of connections, and when a connection is not fit to go back to it.

use std::{fmt, time::Duration};

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
    statement_timeout: Duration,
}

/// A connection that belongs to one operation until it is dropped, which gives it back.
pub(super) type Lease = bb8::PooledConnection<'static, Manager>;

impl Pool {
    pub(super) async fn open(config: &DbConfig) -> Result<Self> {
        let connector = config.target.connector(config.statement_timeout).map_err(Error::internal)?;
        let connections = bb8::Pool::builder()
            .max_size(config.pool_size)
            .connection_timeout(config.checkout_timeout)
            // A `SELECT 1` before every use would cost a third of the throughput.
            .test_on_check_out(false)
            .error_sink(Box::new(LogErrors))
            .build(Manager { connector })
            .await
            .map_err(Error::unavailable)?;
        Ok(Self { connections, statement_timeout: config.statement_timeout })
    }

    pub(super) fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    /// A connection that was alive when last heard of. Those the server has closed meanwhile are dropped on the way.
    pub(super) async fn lease(&self) -> Result<Lease> {
        loop {
            let mut lease = self.connections.get_owned().await.map_err(unavailable)?;
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
}

fn unavailable(error: RunError<ConnectionError>) -> Error {
    match error {
        RunError::User(error) => Error::unavailable(error),
        RunError::TimedOut => Error::unavailable("no database connection became free in time"),
    }
}

/// Makes the pool's connections.
pub(super) struct Manager {
    connector: Connector,
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = ConnectionError;

    async fn connect(&self) -> Result<Session, ConnectionError> {
        Ok(Session { connection: self.connector.connect().await?, is_spoilt: false })
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

/// Connection errors happen apart from the request that waits, so they are logged here.
#[derive(Clone, Copy, Debug)]
struct LogErrors;

impl<E: fmt::Display> ErrorSink<E> for LogErrors {
    fn sink(&self, error: E) {
        tracing::warn!(%error, "can't connect to the database");
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<E>> {
        Box::new(*self)
    }
}
