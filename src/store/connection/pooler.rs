//! Finds out whether a transaction pooler in front of the database keeps the prepared statements of its clients apart.
//!
//! One that doesn't hands a client whichever connection is free, with the statements that others prepared there: ours
//! are missing, or another one has the same name.

use diesel::{ConnectionError, ConnectionResult, IntoSql, QueryResult, result::Error as DbError, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Statements,
    advice::{ADVICE, explain},
    connect::Connector,
};

impl Connector {
    /// Fails with what to change, if statements get mixed up. Where two connections can't be had at once, this can't be
    /// found out.
    pub(in crate::store) async fn check_pooler(&self) -> ConnectionResult<()> {
        // Nothing stands in front of an embedded database, and it has one connection only.
        if self.has_one_backend() || !self.names_statements() {
            return Ok(());
        }
        let probe = async {
            let (first, _first_socket) = self.connect().await?.into_parts();
            let (second, _second_socket) = self.connect().await?.into_parts();
            let (Statements::Named(mut first), Statements::Named(mut second)) = (first, second) else {
                return Ok(());
            };
            swap_servers(&mut first, &mut second).await.map_err(|error| match error {
                DbError::NotFound => ConnectionError::BadConnection(ADVICE.to_owned()),
                error => explain(&error.to_string()),
            })
        };
        timeout(self.timeout(), probe).await.unwrap_or(Ok(()))
    }
}

/// Prepares a statement while the server connection of the first client is taken, and executes it when that is the one
/// the pooler gives out next.
async fn swap_servers(first: &mut AsyncPgConnection, second: &mut AsyncPgConnection) -> QueryResult<()> {
    first.batch_execute("BEGIN").await?;
    second.batch_execute("BEGIN").await?;
    let echoed = echo(second).await;
    second.batch_execute("COMMIT").await?;
    first.batch_execute("COMMIT").await?;
    echoed?;
    echo(second).await
}

/// Asks for a text that no other statement answers with.
async fn echo(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let sent = Uuid::new_v4().to_string();
    let received: String = diesel::select(sent.as_str().into_sql::<Text>()).get_result(connection).await?;
    if received == sent { Ok(()) } else { Err(DbError::NotFound) }
}
