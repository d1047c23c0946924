//! Operations are values, and build their own statements: a retry sends the same one, and the fingerprint of a write is
//! derived from the fields that its statement is built from.
//!
//! A statement is an [`Sql`] text, or a query of diesel's where its form varies.

use std::{borrow::Cow, marker::PhantomData};

use diesel::{
    QueryResult,
    deserialize::FromSqlRow,
    expression::QueryMetadata,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::CompatibleType,
    serialize::ToSql,
    sql_types::{BigInt, Bool, HasSqlType, Text},
};
use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};

use crate::store::connection::Connection;

/// A read of one user's rows.
pub(in crate::store) trait Read: Send + Sync + 'static {
    /// What logs and metrics call it.
    const NAME: &'static str;
    /// What the statement returns.
    type Row: Send + 'static;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<Self::Row> + 'a;
}

/// A change of one user's rows. Its effect depends on nothing but its serialized fields: they make up the fingerprint of a
/// request under an idempotency key.
///
/// A field that is added later must be skipped while it has its default, so that a retry across the deploy that adds it
/// keeps its fingerprint.
pub(in crate::store) trait Write: Serialize + Send + Sync + 'static {
    /// What logs and metrics call it. A part of the fingerprint, too: never rename it.
    const NAME: &'static str;
    /// Its statement, which returns rows itself or ends with `SELECT * FROM result`; or how it begins, if it depends on their
    /// number.
    const SQL: &'static str;
    /// What is stored of the rows as the outcome: how each one becomes JSON, and perhaps in which order.
    const OUTCOME: &'static str = "to_jsonb(result)";
    /// What is returned, and stored as the outcome under an idempotency key. No rows mean that there was nothing to change.
    type Row: DeserializeOwned + Send + 'static;

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, Self::Row>;

    /// How many tasks it may add to those of its user, whose number is limited.
    fn creations(&self) -> usize {
        0
    }

    /// A statement that goes before it.
    fn first<'a>(&'a self, _owner: &'a str) -> Option<Sql<'a>> {
        None
    }

    /// Both, if the rows are to be stored as an outcome.
    fn under_key<'a>(&'a self, owner: &'a str) -> (Option<Sql<'a>>, impl WriteStatement<'a, Self::Row>) {
        (self.first(owner), self.statement(owner))
    }
}

/// A change of one user's rows that depends on what is there. One statement reads that, and the next ones are decided here, while
/// the user's lock keeps others from changing anything. Like those of a [`Write`], its fields make up the fingerprint.
pub(in crate::store) trait Merge: Serialize + Send + Sync + 'static {
    /// What logs and metrics call it. A part of the fingerprint, too: never rename it.
    const NAME: &'static str;
    /// What is read.
    type Found: SqlRow + Send + 'static;
    /// What is returned, and stored as the outcome under an idempotency key.
    type Row: Serialize + DeserializeOwned + Send + 'static;

    /// What is to be changed.
    type Edits: Send + Sync;
    /// Whether it is to be done without the tasks that would be beyond the quota. Otherwise nothing is.
    const GOES_ON_AT_QUOTA: bool;

    fn read<'a>(&'a self, owner: &'a str) -> impl Statement<Self::Found> + 'a;

    /// What follows from what was found: the edits, and what is returned once they are made. The user may have so many more tasks.
    fn decide(&self, owner: &str, found: Vec<Self::Found>, room: usize) -> (Self::Edits, Vec<Self::Row>);

    /// How many more tasks there are after the edits.
    fn creations(edits: &Self::Edits) -> usize;

    /// The statements of the edits, in order. Without any, nothing is stored under a key: a retry may find something to change.
    fn statements<'a>(edits: &'a Self::Edits, owner: &'a str) -> Vec<Sql<'a>>;
}

/// The rows a statement will return. The future borrows the connection only, not the statement.
pub(in crate::store) type Rows<'c, Row> = BoxFuture<'c, QueryResult<Vec<Row>>>;

/// A statement whose rows are read as `Row`.
pub(in crate::store) trait Statement<Row> {
    /// Builds the statement. It is sent when the future is polled first.
    fn rows(self, connection: &Connection) -> Rows<'_, Row>;

    /// The SQL and the values.
    #[cfg(test)]
    fn debug(&self) -> String;
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

    #[cfg(test)]
    fn debug(&self) -> String {
        diesel::debug_query::<Pg, _>(self).to_string()
    }
}

/// A statement that can store its rows as an outcome.
pub(in crate::store) trait WriteStatement<'a, Row>: Statement<Row> {
    /// The same statement, which also stores its rows, each as this `outcome`, beside the key that was claimed.
    fn recorded(self, outcome: &'static str, key: &'a str, part: i32) -> Self;
}

/// A row that [`Sql`] can return.
pub(in crate::store) trait SqlRow {
    /// The SQL types of its columns, or `Untyped` if they are read by name.
    type Columns;
}

impl SqlRow for bool {
    type Columns = Bool;
}

impl SqlRow for i64 {
    type Columns = BigInt;
}

impl SqlRow for String {
    type Columns = Text;
}

/// A statement written as SQL; `$1`, `$2`, … are bound in this order. Unlike diesel's `sql_query` it is prepared once per
/// connection, by its text: so that must not contain values.
pub(in crate::store) struct Sql<'a, Row = ()> {
    pub(super) text: Cow<'static, str>,
    pub(super) binds: Vec<Box<dyn QueryFragment<Pg> + Send + 'a>>,
    row: PhantomData<fn() -> Row>,
}

impl Sql<'_> {
    pub(in crate::store) fn new(text: &'static str) -> Self {
        Self::returning(text)
    }
}

impl<'a, Row> Sql<'a, Row> {
    /// A statement with rows.
    pub(in crate::store) fn returning(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), binds: Vec::new(), row: PhantomData }
    }

    pub(in crate::store) fn bind<ST: 'a, V>(mut self, value: V) -> Self
    where
        Pg: HasSqlType<ST>,
        V: ToSql<ST, Pg> + Send + 'a,
    {
        self.binds.push(Box::new(Bind::<ST, V> { value, sql_type: PhantomData }));
        self
    }
}

impl<Row: SqlRow> Sql<'_, Row>
where
    Self: Statement<Row>,
{
    pub(in crate::store) fn rows(self, connection: &Connection) -> Rows<'_, Row> {
        Statement::rows(self, connection)
    }
}

impl<Row: SqlRow> Query for Sql<'_, Row> {
    type SqlType = Row::Columns;
}

impl<Row> QueryFragment<Pg> for Sql<'_, Row> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&self.text);
        self.binds.iter().try_for_each(|bind| bind.walk_ast(out.reborrow()))
    }
}

/// Identified by its SQL.
impl<Row> QueryId for Sql<'_, Row> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A value whose `$1` is already in the text.
struct Bind<ST, V> {
    value: V,
    sql_type: PhantomData<fn() -> ST>,
}

impl<ST, V> QueryFragment<Pg> for Bind<ST, V>
where
    Pg: HasSqlType<ST>,
    V: ToSql<ST, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param_value_only::<ST, _>(&self.value)
    }
}
