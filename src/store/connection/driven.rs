//! A connection together with what reads and writes its socket.

use std::sync::Arc;

use diesel::ConnectionResult;
use diesel_async::AsyncPgConnection;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};
use tokio_postgres::{CancelToken, Client};

use super::{Connection, Unnamed, driver::Driver};

/// A connection whose statements are sent and answered inside of [`run`](Self::run).
pub(in crate::store) struct DrivenConnection {
    // Dropped in this order.
    connection: Connection,
    driver: Driver,
    cancel_token: Arc<CancelToken>,
}

impl DrivenConnection {
    /// Whether its statements have names can't be changed later.
    pub(in crate::store) async fn new<S, T>(
        client: Client,
        connection: tokio_postgres::Connection<S, T>,
        names_statements: bool,
    ) -> ConnectionResult<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let driver = Driver::new(connection);
        let cancel_token = Arc::new(client.cancel_token());
        let connection = if names_statements {
            Connection::Named(Box::new(driver.run(AsyncPgConnection::try_from(client)).await?))
        } else {
            Connection::Unnamed(Unnamed::new(client))
        };
        Ok(Self { connection, driver, cancel_token })
    }

    /// Does work that needs the connection, one at a time.
    pub(in crate::store) async fn run<T>(&self, work: impl AsyncFnOnce(&Connection) -> T) -> T {
        self.driver.run(work(&self.connection)).await
    }

    /// For work that doesn't borrow it: a task reads and writes the socket until the set is dropped.
    pub(in crate::store) fn into_background(self) -> (Connection, JoinSet<()>) {
        let mut tasks = JoinSet::new();
        tasks.spawn(self.driver.run_apart());
        (self.connection, tasks)
    }

    /// What asks the server to give up what this connection is doing.
    pub(in crate::store) fn cancel_token(&self) -> Arc<CancelToken> {
        Arc::clone(&self.cancel_token)
    }

    /// Whether it was closed, while nobody used it or before.
    pub(in crate::store) fn is_broken(&mut self) -> bool {
        self.driver.catch_up();
        self.connection.is_broken()
    }
}
