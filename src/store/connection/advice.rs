//! What to do about a pooler that mixes up prepared statements.

use diesel::ConnectionError;

const ADVICE: &str = "the pooler in front of the database doesn't keep prepared statements of its clients apart, so one \
    could run another's. Let it track them (PgBouncer 1.21 and newer: max_prepared_statements = 100), set \
    DATABASE_PREPARED_STATEMENTS=false, choose session pooling, or connect to the database without it";

/// A pooler was found to mix them up.
pub(in crate::store) fn refusal() -> ConnectionError {
    ConnectionError::InvalidConnectionUrl(ADVICE.to_owned())
}

/// What a failure is about, if it is about prepared statements.
pub(in crate::store) fn explain(message: &str) -> ConnectionError {
    let other = || ConnectionError::BadConnection(message.to_owned());
    explained(message).map_or_else(other, ConnectionError::InvalidConnectionUrl)
}

/// The message with what to do, if it is about a prepared statement. The server's messages may be translated; the names our
/// statements have are not.
pub(in crate::store) fn explained(message: &str) -> Option<String> {
    let is_about_statement = message.split('"').skip(1).step_by(2).any(|name| {
        name.strip_prefix('s').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    });
    is_about_statement.then(|| format!("{ADVICE} ({message})"))
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
