//! The HTTP status of a reply. Operations on WebSockets have one, too: metrics count them by it.

use async_graphql::Value;
use axum::http::StatusCode;

use super::{error::code_of, operation::Reply};
use crate::error::Code;

/// The status of a request that failed as a whole. GraphQL over HTTP has 400 for all malformed requests.
pub(super) fn of_code(code: Code) -> StatusCode {
    match code {
        Code::BadUserInput => StatusCode::BAD_REQUEST,
        code => code.into(),
    }
}

/// The status of an operation: 400 if it was not executed. A timeout or an unavailable database shows if there is no data.
pub(super) fn of_reply(reply: &Reply) -> StatusCode {
    if reply.data.as_ref().is_some_and(|data| *data != Value::Null) {
        return StatusCode::OK;
    }
    match [Code::Timeout, Code::ServiceUnavailable].into_iter().find(|code| has(reply, *code)) {
        Some(code) => code.into(),
        None if reply.data.is_none() => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    }
}

/// Whether an error of an operation has this code.
pub(super) fn has(reply: &Reply, code: Code) -> bool {
    reply.errors.iter().any(|error| code_of(error) == Some(code.as_str()))
}
