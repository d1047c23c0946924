//! Operations are values. Each builds its own statement, so a retry sends the same one, and the fingerprint of a write
//! is derived from the fields the statement is built from.

use std::marker::PhantomData;

use diesel::{
    QueryResult,
    deserialize::FromSqlRow,
    expression::QueryMetadata,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::CompatibleType,
};
use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};

use super::record::{Outcome, Recorded};
use crate::store::connection::Connection;

/// The rows a statement will return. The future borrows the connection only, not the statement.
pub(in crate::store) type Rows<'c, Row> = BoxFuture<'c, QueryResult<Vec<Row>>>;

/// A read or a write of one user's rows.
pub(in crate::store) trait Operation: Send + Sync + 'static {
    /// What logs and metrics call it. For a write it is a part of the fingerprint, too: never rename it.
    const NAME: &'static str;
    /// What the statement returns.
    type Row: Send + 'static;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<Self::Row> + 'a;
}

/// An operation that changes rows. Its serialized fields are all that its effect depends on: they make up the
/// fingerprint of a request under an idempotency key.
///
/// A field that is added later must be skipped while it has its default, so that a retry across the deploy that adds it
/// keeps its fingerprint.
pub(in crate::store) trait Write: Operation<Row: DeserializeOwned> + Serialize {
    /// What comes back, and is stored under an idempotency key.
    const ANSWER: Answer = Answer::Rows;
    /// Whether its rows are deleted ones. They need an `id` and a `version`.
    const DELETES: bool = false;
    /// Whether its statement has the same SQL whatever its values are. Then it is known by its type, and not by its SQL,
    /// which takes time to build and to look up.
    const HAS_ONE_FORM: bool = false;
}

/// What a write answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Answer {
    /// The rows it changed. None at all means that the write failed.
    Rows,
    /// The tombstones of the rows it deleted, likewise.
    Tombstones,
    /// How many rows it changed, which may be none.
    Count,
}

/// A statement whose rows are read as `Row`.
pub(in crate::store) trait Statement<Row> {
    /// Builds the statement. It is sent when the future is polled first.
    fn rows(self, connection: &Connection) -> Rows<'_, Row>;

    /// The same for a write, whose outcome is recorded.
    fn recorded_rows<'c, W: Write>(self, outcome: Outcome<'_>, connection: &'c Connection) -> Rows<'c, Row>;
}

impl<Q, Row, ST> Statement<Row> for Q
where
    Q: Query<SqlType: CompatibleType<Row, Pg, SqlType = ST>> + QueryFragment<Pg> + QueryId + Send,
    Row: FromSqlRow<ST, Pg> + Send + 'static,
    Pg: QueryMetadata<Q::SqlType>,
    ST: 'static,
{
    fn rows(self, connection: &Connection) -> Rows<'_, Row> {
        connection.load(self)
    }

    fn recorded_rows<'c, W: Write>(self, outcome: Outcome<'_>, connection: &'c Connection) -> Rows<'c, Row> {
        let has_one_form = W::HAS_ONE_FORM && outcome.claim.is_none();
        let statement = KeptPrepared(Recorded::new(self, outcome));
        if has_one_form { OneForm::<W, _>::of(statement).rows(connection) } else { statement.rows(connection) }
    }
}

/// Keeps a statement prepared although diesel would prepare it anew each time, at the cost of a round trip: diesel
/// expects any number of different UPDATEs. Ours come in a handful of forms.
struct KeptPrepared<Q>(Q);

impl<Q: Query> Query for KeptPrepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for KeptPrepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q: QueryId> QueryId for KeptPrepared<Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

/// The statement of a write that has one form.
struct OneForm<W, Q>(Q, PhantomData<fn() -> W>);

impl<W, Q> OneForm<W, Q> {
    fn of(statement: Q) -> Self {
        Self(statement, PhantomData)
    }
}

impl<W, Q: Query> Query for OneForm<W, Q> {
    type SqlType = Q::SqlType;
}

impl<W, Q: QueryFragment<Pg>> QueryFragment<Pg> for OneForm<W, Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, backend: &Pg) -> QueryResult<bool> {
        self.0.is_safe_to_cache_prepared(backend)
    }
}

impl<W: 'static, Q> QueryId for OneForm<W, Q> {
    type QueryId = OneForm<W, ()>;
    const HAS_STATIC_QUERY_ID: bool = true;
}
