//! Finds out whether a transaction pooler in front of the database keeps the prepared statements of its clients apart.
//!
//! One that doesn't hands a client whichever connection is free, with the statements that others prepared there: ours
//! are missing, or another one has the same name.

use diesel::{ConnectionError, ConnectionResult, IntoSql, QueryResult, result::Error as DbError, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Statements, connect::Connector};

const ADVICE: &str = "the pooler in front of the database doesn't keep prepared statements of its clients apart, so one \
    could run another's. Let it track them (PgBouncer 1.21 and newer: max_prepared_statements = 100), set \
    DATABASE_PREPARED_STATEMENTS=false, choose session pooling, or connect to the database without it";

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

/// What a failure to make a connection is about, if it is about prepared statements. The server's message may be
/// translated; the names our statements have are not.
pub(in crate::store) fn explain(message: &str) -> ConnectionError {
    let is_about_statement = message.split('"').skip(1).step_by(2).any(|name| {
        name.strip_prefix('s').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    });
    let message = if is_about_statement { format!("{ADVICE} ({message})") } else { message.to_owned() };
    ConnectionError::BadConnection(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_about_our_statements_are_blamed_on_a_pooler() {
        for (message, is_blamed) in [
            (r#"prepared statement "s0" does not exist"#, true),
            (r#"vorbereitete Anweisung »s17« ... "s17" existiert bereits"#, true),
            (r#"role "s" does not exist"#, false),
            (r#"database "tandem" does not exist"#, false),
            ("connection refused", false),
        ] {
            assert_eq!(explain(message).to_string().contains("pooler"), is_blamed, "{message}");
        }
    }
}
