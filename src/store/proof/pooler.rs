//! Finds out whether a pooler in front of the database keeps the prepared statements of its clients apart.
//!
//! One that doesn't hands a client whichever connection is free, with the statements that others prepared there: ours
//! are missing, or another one has the same name.

use std::mem::swap;

use diesel::{ConnectionError, ConnectionResult, QueryResult, Queryable, result::Error as DbError, sql_types::Text};
use tokio::time::timeout;
use uuid::Uuid;

use crate::store::{
    connection::{
        Connection,
        advice::{self, explain},
        connect::Connector,
    },
    sql::statement::{Sql, SqlRow},
};

/// How often two connections trade places. Without other clients of the pooler, the second time tells; with them, each time
/// does with even odds.
const ROUNDS: usize = 8;

/// Fails with what to change, if statements get mixed up; or where two connections can't be had at once, as this can't be
/// found out then.
pub(in crate::store) async fn check(connector: &Connector) -> ConnectionResult<()> {
    // Nothing stands in front of an embedded database, and it has one connection only.
    if connector.has_one_backend() || !connector.names_statements() {
        return Ok(());
    }
    let first = Client::new(connector.connect().await?);
    let second = Client::new(connector.connect().await?);
    let traded = timeout(connector.timeout(), trade_servers(first, second)).await;
    let late =
        |_| ConnectionError::BadConnection(format!("no two connections at once within {:?}", connector.timeout()));
    traded.map_err(late)?.map_err(|error| match error {
        DbError::NotFound | DbError::DeserializationError(_) => advice::refusal(),
        error => explain(&error.to_string()),
    })
}

/// While the first client has a server connection to itself, the second one gets another. Once a client was answered on a
/// connection that it didn't prepare its statement on, the pooler has prepared it there.
async fn trade_servers(mut first: Client, mut second: Client) -> QueryResult<()> {
    for _ in 0..ROUNDS {
        first.connection.batch_execute("BEGIN").await?;
        let has_moved = first.echo().await? || second.echo().await?;
        first.connection.batch_execute("COMMIT").await?;
        if has_moved {
            return Ok(());
        }
        swap(&mut first, &mut second);
    }
    Ok(())
}

struct Client {
    connection: Connection,
    /// No other client has a statement that answers with this, even if it has one of the same name.
    token: String,
    /// The process that prepared the statement.
    prepared_by: Option<String>,
}

/// What it was to answer with, and the process that does.
#[derive(Queryable)]
struct Echo {
    token: String,
    process: String,
}

impl SqlRow for Echo {
    type Columns = (Text, Text);
}

impl Client {
    fn new(connection: Connection) -> Self {
        Self { connection, token: Uuid::new_v4().to_string(), prepared_by: None }
    }

    /// Whether another process answers than the one that prepared the statement. Fails if another statement is answered.
    async fn echo(&mut self) -> QueryResult<bool> {
        let echo = Sql::<Echo>::returning(format!("SELECT '{}', pg_backend_pid()::text", self.token));
        match echo.rows(&self.connection).await?.pop() {
            Some(Echo { token, process }) if token == self.token => {
                Ok(*self.prepared_by.get_or_insert_with(|| process.clone()) != process)
            }
            _ => Err(DbError::NotFound),
        }
    }
}
