//! Statements without names, which diesel-async doesn't have. Each is sent whole, with its text and its values, and its
//! answer tells the types of its columns: no round trip more than a prepared one, but the server parses and plans it
//! each time.

use bytes::BytesMut;
use diesel::{
    QueryResult,
    deserialize::FromSqlRow,
    pg::{Pg, PgMetadataLookup, PgQueryBuilder, PgTypeMetadata},
    query_builder::{QueryBuilder, QueryFragment, bind_collector::RawBytesBindCollector},
    result::{DatabaseErrorKind, Error as DbError},
};
use diesel_async::AsyncPgConnection;
use futures::{FutureExt, TryStreamExt, future::BoxFuture};
use tokio_postgres::{
    Client, Error as PgError,
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::row::UnnamedRow;

/// A connection that prepares nothing.
pub(in crate::store) struct Unnamed(Client);

impl Unnamed {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    pub(super) fn load<Row, ST>(&self, query: &dyn QueryFragment<Pg>) -> BoxFuture<'_, QueryResult<Vec<Row>>>
    where
        Row: FromSqlRow<ST, Pg> + Send + 'static,
    {
        let text = Text::of(query);
        let read = |row| Row::build_from_row(&UnnamedRow(row)).map_err(DbError::DeserializationError);
        async move {
            let Text { sql, values } = text?;
            let rows = self.0.query_typed_raw(&sql, values).await.map_err(failure)?;
            let rows: Vec<_> = rows.try_collect().await.map_err(failure)?;
            rows.into_iter().map(read).collect()
        }
        .boxed()
    }

    pub(super) fn execute(&self, statement: &dyn QueryFragment<Pg>) -> BoxFuture<'_, QueryResult<usize>> {
        let text = Text::of(statement);
        async move {
            let Text { sql, values } = text?;
            let values: Vec<_> =
                values.iter().map(|(value, kind)| (value as &(dyn ToSql + Sync), kind.clone())).collect();
            let count = self.0.execute_typed(&sql, &values).await.map_err(failure)?;
            usize::try_from(count).map_err(|error| DbError::DeserializationError(error.into()))
        }
        .boxed()
    }

    pub(super) async fn batch_execute(&self, statements: &str) -> QueryResult<()> {
        self.0.batch_execute(statements).await.map_err(failure)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// For diesel's migrations, which prepare statements by name: inside a transaction, which has one server connection to
    /// itself. Whoever had it before may have left statements of the same names.
    pub(in crate::store) async fn begin_named(self) -> diesel::ConnectionResult<AsyncPgConnection> {
        let begun = self.0.batch_execute("BEGIN; DEALLOCATE ALL").await;
        begun.map_err(|error| diesel::ConnectionError::CouldntSetupConfiguration(failure(error)))?;
        AsyncPgConnection::try_from(self.0).await
    }
}

/// A statement as it is sent.
struct Text {
    sql: String,
    values: Vec<(Value, Type)>,
}

impl Text {
    fn of(query: &dyn QueryFragment<Pg>) -> QueryResult<Self> {
        let mut sql = PgQueryBuilder::default();
        query.to_sql(&mut sql, &Pg)?;
        let mut collected = RawBytesBindCollector::new();
        query.collect_binds(&mut collected, &mut BuiltIn, &Pg)?;
        let values = collected.binds.into_iter().zip(&collected.metadata);
        let values = values.map(|(value, metadata)| Ok((Value(value), built_in(metadata)?)));
        Ok(Self { sql: sql.finish(), values: values.collect::<QueryResult<_>>()? })
    }
}

/// Knows no types but PostgreSQL's own, which need no look-up.
struct BuiltIn;

impl PgMetadataLookup for BuiltIn {
    fn lookup_type(&mut self, _: &str, _: Option<&str>) -> PgTypeMetadata {
        PgTypeMetadata::new(0, 0)
    }
}

fn built_in(metadata: &PgTypeMetadata) -> QueryResult<Type> {
    let oid = metadata.oid().map_err(|error| DbError::SerializationError(error.into()))?;
    Type::from_oid(oid).ok_or_else(|| DbError::SerializationError("a type that is not PostgreSQL's own".into()))
}

/// A value as diesel has serialized it; `None` for null.
#[derive(Debug)]
struct Value(Option<Vec<u8>>);

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let Some(bytes) = &self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// As diesel-async tells failures, but for deadlocks, which it doesn't tell from others: they are failures to serialize.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` passes it")]
fn failure(error: PgError) -> DbError {
    let Some(told) = error.as_db_error() else {
        return DbError::DatabaseError(DatabaseErrorKind::UnableToSendCommand, Box::new(error.to_string()));
    };
    let kind = match *told.code() {
        SqlState::UNIQUE_VIOLATION => DatabaseErrorKind::UniqueViolation,
        SqlState::CHECK_VIOLATION => DatabaseErrorKind::CheckViolation,
        SqlState::NOT_NULL_VIOLATION => DatabaseErrorKind::NotNullViolation,
        SqlState::READ_ONLY_SQL_TRANSACTION => DatabaseErrorKind::ReadOnlyTransaction,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            DatabaseErrorKind::SerializationFailure
        }
        _ => DatabaseErrorKind::Unknown,
    };
    DbError::DatabaseError(kind, Box::new(told.message().to_owned()))
}
