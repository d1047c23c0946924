//! A connection, and how it sends statements: prepared by name, once for each connection, or without a name, each time
//! with its text. The latter is for poolers that hand a client any server connection, whoever prepared statements there.

pub(super) mod advice;
pub(super) mod connect;
mod row;
pub(super) mod target;
mod unnamed;
mod wire;

use std::{sync::Arc, time::Duration};

use diesel::{
    ConnectionResult, QueryResult,
    deserialize::FromSqlRow,
    expression::QueryMetadata,
    pg::Pg,
    query_builder::{Query, QueryFragment, QueryId},
    query_dsl::CompatibleType,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, pooled_connection::PoolableConnection};
use futures::{
    FutureExt,
    future::{BoxFuture, Either, select},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
    time::timeout,
};
use tokio_postgres::{CancelToken, Client};

use self::unnamed::Unnamed;
pub use self::wire::SyncCoalescer;
use crate::error::Chain;

/// How long it may take to close a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Futures borrow the connection only, not the statement. Statements are sent in the order in which the futures are
/// polled first.
pub(super) struct Connection {
    statements: Statements,
    cancel_token: Arc<CancelToken>,
    socket: OpenSocket,
}

/// How statements are sent.
pub(super) enum Statements {
    Named(Box<AsyncPgConnection>),
    Unnamed(Unnamed),
}

/// Keeps a task running that reads and writes the socket of a connection. Once this is dropped, the connection has a moment
/// to say goodbye: a server that doesn't answer must not hold it.
pub(super) struct OpenSocket {
    _open: oneshot::Sender<()>,
}

impl OpenSocket {
    fn spawn<S, T>(connection: tokio_postgres::Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (open, dropped) = oneshot::channel();
        tokio::spawn(async move {
            let ended = match select(connection, dropped).await {
                Either::Left((ended, _)) => ended,
                Either::Right((_, connection)) => timeout(CLOSE_TIMEOUT, connection).await.unwrap_or(Ok(())),
            };
            if let Err(error) = ended {
                tracing::debug!(error = %Chain(&error), "a database connection ended");
            }
        });
        Self { _open: open }
    }
}

impl Connection {
    /// Whether its statements have names can't be changed later.
    pub(super) async fn new<S, T>(
        client: Client,
        connection: tokio_postgres::Connection<S, T>,
        names_statements: bool,
    ) -> ConnectionResult<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let socket = OpenSocket::spawn(connection);
        let cancel_token = Arc::new(client.cancel_token());
        let statements = if names_statements {
            Statements::Named(Box::new(AsyncPgConnection::try_from(client).await?))
        } else {
            Statements::Unnamed(Unnamed::new(client))
        };
        Ok(Self { statements, cancel_token, socket })
    }

    /// The rows of a query.
    pub(super) fn load<Q, Row, ST>(&self, query: Q) -> BoxFuture<'_, QueryResult<Vec<Row>>>
    where
        Q: Query<SqlType: CompatibleType<Row, Pg, SqlType = ST>> + QueryFragment<Pg> + QueryId + Send,
        Row: FromSqlRow<ST, Pg> + Send + 'static,
        Pg: QueryMetadata<Q::SqlType>,
        ST: 'static,
    {
        match &self.statements {
            Statements::Named(connection) => RunQueryDsl::load(query, &mut &**connection).boxed(),
            Statements::Unnamed(connection) => connection.load::<Row, ST>(&query),
        }
    }

    /// How many rows a statement changed.
    pub(super) fn execute(
        &self,
        statement: impl QueryFragment<Pg> + QueryId + Send,
    ) -> BoxFuture<'_, QueryResult<usize>> {
        match &self.statements {
            Statements::Named(connection) => RunQueryDsl::execute(statement, &mut &**connection),
            Statements::Unnamed(connection) => connection.execute(&statement),
        }
    }

    /// Runs statements without values, which are not prepared.
    pub(super) async fn batch_execute(&self, statements: &str) -> QueryResult<()> {
        match &self.statements {
            Statements::Named(connection) => SimpleAsyncConnection::batch_execute(&mut &**connection, statements).await,
            Statements::Unnamed(connection) => connection.batch_execute(statements).await,
        }
    }

    /// What asks the server to give up what this connection is doing.
    pub(super) fn cancel_token(&self) -> Arc<CancelToken> {
        Arc::clone(&self.cancel_token)
    }

    /// Whether it was closed.
    pub(super) fn is_broken(&mut self) -> bool {
        match &mut self.statements {
            Statements::Named(connection) => connection.is_broken(),
            Statements::Unnamed(connection) => connection.is_closed(),
        }
    }

    /// For work that needs one of diesel's own connections. The socket is to be kept for as long.
    pub(super) fn into_parts(self) -> (Statements, OpenSocket) {
        (self.statements, self.socket)
    }
}
