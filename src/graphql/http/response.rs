//! What is answered: the body, its media type and its status.

use async_graphql::{ServerError, Value};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::MediaType;
use crate::error::Error;

/// What became of one operation.
#[derive(Debug, Serialize)]
pub(in crate::graphql) struct Reply {
    /// The result; absent when the operation was never run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::graphql) data: Option<Value>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::graphql) errors: Vec<ServerError>,
}

impl Reply {
    /// The operation was not run.
    pub(in crate::graphql) fn not_run(errors: Vec<ServerError>) -> Self {
        Self { data: None, errors }
    }
}

/// The answer to one operation. The status is what the newer media type makes of it, unless the operation has its own;
/// the older one always says 200.
pub(in crate::graphql) fn one(reply: &Reply, media_type: MediaType, own: Option<StatusCode>) -> Response {
    let status = match (media_type, &reply.data) {
        (MediaType::GraphqlResponse, None) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    respond(own.unwrap_or(status), media_type, reply)
}

/// The answer to a batch.
pub(in crate::graphql) fn many(replies: &[Reply], media_type: MediaType) -> Response {
    respond(StatusCode::OK, media_type, &replies)
}

/// The answer to a request that could not be taken for an operation, whatever its media type.
pub(in crate::graphql) fn refused(error: ServerError, media_type: MediaType, status: StatusCode) -> Response {
    respond(status, media_type, &Reply::not_run(vec![error]))
}

fn respond(status: StatusCode, media_type: MediaType, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let headers =
                [(header::CONTENT_TYPE, media_type.content_type()), (header::VARY, HeaderValue::from_static("accept"))];
            (status, headers, body).into_response()
        }
        Err(error) => {
            Error::internal(error).log();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
