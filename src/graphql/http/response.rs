//! Responses: body, media type and status.

use std::io::{self, Write};

use async_graphql::{ServerError, Value};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use super::MediaType;
use crate::error::Error;

/// The result of one operation.
#[derive(Debug, Serialize)]
pub(in crate::graphql) struct Reply {
    /// `None` if the operation did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::graphql) data: Option<Value>,
    /// What failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::graphql) errors: Vec<ServerError>,
}

impl Reply {
    /// The operation was not run.
    pub(in crate::graphql) fn not_run(errors: Vec<ServerError>) -> Self {
        Self { data: None, errors }
    }

    /// The operation may have run: `data` is null, not absent, which would say that it has not.
    pub(in crate::graphql) fn failed(error: ServerError) -> Self {
        Self { data: Some(Value::Null), errors: vec![error] }
    }
}

/// The response to one operation. Unless it has a status of its own, it is 200; in the newer media type 400 if the
/// operation did not run.
pub(in crate::graphql) fn one(reply: &Reply, media_type: MediaType, own: Option<StatusCode>) -> Response {
    let status = match (media_type, &reply.data) {
        (MediaType::GraphqlResponse, None) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    respond(own.unwrap_or(status), media_type, reply)
}

/// The response to a batch.
pub(in crate::graphql) fn many(replies: &[Reply], media_type: MediaType) -> Response {
    respond(StatusCode::OK, media_type, &replies)
}

/// The response to a request that failed as a whole.
pub(in crate::graphql) fn refused(reply: &Reply, media_type: MediaType, status: StatusCode) -> Response {
    respond(status, media_type, reply)
}

fn respond(status: StatusCode, media_type: MediaType, body: &impl Serialize) -> Response {
    let mut json = Vec::with_capacity(1024);
    match body.serialize(&mut Serializer::with_formatter(&mut json, Verbatim)) {
        Ok(()) => {
            let headers =
                [(header::CONTENT_TYPE, media_type.content_type()), (header::VARY, HeaderValue::from_static("accept"))];
            (status, headers, json).into_response()
        }
        Err(error) => {
            Error::internal(error).log();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Compact JSON in which bytes are JSON already, as `schema::json` makes it.
struct Verbatim;

impl Formatter for Verbatim {
    fn write_byte_array<W: ?Sized + Write>(&mut self, writer: &mut W, json: &[u8]) -> io::Result<()> {
        writer.write_all(json)
    }
}
