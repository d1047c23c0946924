//! Responses: body, media type and status.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::MediaType;
use crate::{
    graphql::operation::{Reply, to_json},
    http::rate_limiting::RETRY_SOON,
};

/// The response to one operation. Unless it has a status of its own, it is 200; in the newer media type 400 if the
/// operation did not run.
pub(in crate::graphql) fn one(reply: &Reply, media_type: MediaType, own: Option<StatusCode>) -> Response {
    reply.count_errors();
    let status = match (media_type, &reply.data) {
        (MediaType::GraphqlResponse, None) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let mut response = respond(own.unwrap_or(status), media_type, reply);
    if own == Some(StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_SOON);
    }
    response
}

/// The response to a batch.
pub(in crate::graphql) fn many(replies: &[Reply], media_type: MediaType) -> Response {
    replies.iter().for_each(Reply::count_errors);
    respond(StatusCode::OK, media_type, &replies)
}

/// The response to a request that failed as a whole.
pub(in crate::graphql) fn refused(reply: &Reply, media_type: MediaType, status: StatusCode) -> Response {
    reply.count_errors();
    respond(status, media_type, reply)
}

fn respond(status: StatusCode, media_type: MediaType, body: &impl Serialize) -> Response {
    match to_json(body) {
        Ok(json) => {
            let headers =
                [(header::CONTENT_TYPE, media_type.content_type()), (header::VARY, HeaderValue::from_static("accept"))];
            (status, headers, json).into_response()
        }
        Err(error) => {
            error.log();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
