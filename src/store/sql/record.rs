//! The outcome of a write, stored beside its idempotency key by the same statement.

use diesel::sql_types::{Integer, Text};

use super::statement::{Sql, Statement, WriteStatement};

/// How a write with several CTEs ends: the one called `result` has what it returns.
const RETURN: &str = "SELECT * FROM result";

impl<'a, Row> WriteStatement<'a, Row> for Sql<'a, Row>
where
    Self: Statement<Row>,
{
    /// A write that found nothing to change releases its key instead: a retry may find something.
    fn recorded(mut self, outcome: &'static str, key: &'a str, part: i32) -> Self {
        let result = match self.text.strip_suffix(RETURN) {
            Some(parts) => parts.to_owned(),
            None => format!("WITH result AS ({})", self.text),
        };
        let (k, p) = (self.binds.len() + 1, self.binds.len() + 2);
        self.text = format!(
            "{result}, recorded AS (
                UPDATE idempotency_keys SET outcome = (SELECT jsonb_agg({outcome}) FROM result)
                WHERE (user_id, key, part) = ($1, ${k}, ${p}) AND current_user = 'tandem_api'
                  AND EXISTS (SELECT FROM result)
            ), released AS (
                DELETE FROM idempotency_keys
                WHERE (user_id, key, part) = ($1, ${k}, ${p}) AND current_user = 'tandem_api'
                  AND NOT EXISTS (SELECT FROM result)
            ) {RETURN}"
        )
        .into();
        self.bind::<Text, _>(key).bind::<Integer, _>(part)
    }
}
