//! The HTTP status of an answer. An operation on a socket is counted under the one that it would have had.

use async_graphql::{ServerError, Value};
use axum::http::StatusCode;

use super::{error::code, operation::Reply};
use crate::error::Code;

/// GraphQL over HTTP has 400 for all malformed requests.
pub(super) fn of_code(code: Code) -> StatusCode {
    match code {
        Code::BadUserInput => StatusCode::BAD_REQUEST,
        code => code.into(),
    }
}

/// The status of an operation that was run.
pub(super) fn of_reply(reply: &Reply) -> StatusCode {
    of_failure(reply).unwrap_or(StatusCode::OK)
}

/// The status of an operation that was not run, or of which nothing came.
pub(super) fn of_errors(errors: &[ServerError]) -> StatusCode {
    unavailable(errors).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The status of an operation without data that timed out or found the database unavailable.
pub(super) fn of_failure(reply: &Reply) -> Option<StatusCode> {
    let has_data = reply.data.as_ref().is_some_and(|data| *data != Value::Null);
    if has_data { None } else { unavailable(&reply.errors) }
}

fn unavailable(errors: &[ServerError]) -> Option<StatusCode> {
    let has = |wanted: Code| errors.iter().any(|error| code(error) == Some(wanted.as_str()));
    [Code::Timeout, Code::ServiceUnavailable].into_iter().find(|code| has(*code)).map(of_code)
}
