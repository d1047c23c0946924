//! A connection, and how it sends statements: prepared by name, once for each connection, or without a name, each time
//! with its text. The latter is for poolers that hand a client any server connection, whoever prepared statements there.

pub(super) mod connect;
mod driven;
mod driver;
mod memoized;
pub(super) mod pooler;
mod row;
pub(super) mod target;
mod unnamed;
mod wire;

use diesel::{
    QueryResult,
    deserialize::FromSqlRow,
    expression::QueryMetadata,
    pg::Pg,
    query_builder::{Query, QueryFragment, QueryId},
    query_dsl::CompatibleType,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, pooled_connection::PoolableConnection};
use futures::{FutureExt, future::BoxFuture};

pub(super) use self::driven::DrivenConnection;
use self::{memoized::Memoized, unnamed::Unnamed};

/// Futures borrow the connection only, not the statement. Statements are sent in the order in which the futures are
/// polled first.
pub(super) enum Connection {
    Named(Box<AsyncPgConnection>),
    Unnamed(Unnamed),
}

impl Connection {
    /// The rows of a query.
    pub(super) fn load<Q, Row, ST>(&self, query: Q) -> BoxFuture<'_, QueryResult<Vec<Row>>>
    where
        Q: Query<SqlType: CompatibleType<Row, Pg, SqlType = ST>> + QueryFragment<Pg> + QueryId + Send,
        Row: FromSqlRow<ST, Pg> + Send + 'static,
        Pg: QueryMetadata<Q::SqlType>,
        ST: 'static,
    {
        match self {
            Self::Named(connection) => RunQueryDsl::load(Memoized(query), &mut &**connection).boxed(),
            Self::Unnamed(connection) => connection.load::<Row, ST>(&query),
        }
    }

    /// How many rows a statement changed.
    pub(super) fn execute(
        &self,
        statement: impl QueryFragment<Pg> + QueryId + Send,
    ) -> BoxFuture<'_, QueryResult<usize>> {
        match self {
            Self::Named(connection) => RunQueryDsl::execute(Memoized(statement), &mut &**connection),
            Self::Unnamed(connection) => connection.execute(&statement),
        }
    }

    /// Runs statements without values, which are not prepared.
    pub(super) async fn batch_execute(&self, statements: &str) -> QueryResult<()> {
        match self {
            Self::Named(connection) => SimpleAsyncConnection::batch_execute(&mut &**connection, statements).await,
            Self::Unnamed(connection) => connection.batch_execute(statements).await,
        }
    }

    /// Whether it was closed.
    fn is_broken(&mut self) -> bool {
        match self {
            Self::Named(connection) => connection.is_broken(),
            Self::Unnamed(connection) => connection.is_closed(),
        }
    }
}
