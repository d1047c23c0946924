//! What to do about a pooler that mixes up prepared statements.

use diesel::ConnectionError;

pub(super) const ADVICE: &str = "the pooler in front of the database doesn't keep prepared statements of its clients apart, so one \
    could run another's. Let it track them (PgBouncer 1.21 and newer: max_prepared_statements = 100), set \
    DATABASE_PREPARED_STATEMENTS=false, choose session pooling, or connect to the database without it";

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
