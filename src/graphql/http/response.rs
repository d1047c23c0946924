//! Responses in the media type that was negotiated.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::MediaType;
use crate::{
    error::{Code, Error},
    graphql::{
        operation::{Reply, to_json},
        schema::request_error,
        status,
    },
    http::rate_limiting::{RETRY_SOON, retry_after},
};

/// The response to one operation. `application/json` has status 200 for operations that were not executed.
pub(in crate::graphql) fn reply_response(reply: &Reply, media_type: MediaType) -> Response {
    reply.count_errors();
    let status = match (media_type, status::of_reply(reply)) {
        (MediaType::Json, StatusCode::BAD_REQUEST) => StatusCode::OK,
        (_, status) => status,
    };
    retry_if_unavailable([reply], respond(status, media_type, reply))
}

/// The response to a batch.
pub(in crate::graphql) fn batch_response(replies: &[Reply], media_type: MediaType) -> Response {
    replies.iter().for_each(Reply::count_errors);
    retry_if_unavailable(replies, respond(StatusCode::OK, media_type, &replies))
}

/// Says when to try again what was unavailable, which may have been one field of several.
fn retry_if_unavailable<'a>(replies: impl IntoIterator<Item = &'a Reply>, mut response: Response) -> Response {
    if replies.into_iter().any(|reply| status::has(reply, Code::ServiceUnavailable)) {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_SOON);
    }
    response
}

/// The response to a request that failed as a whole. After a timeout or a panic, it may have been executed.
pub(in crate::graphql) fn request_error_response(error: &Error, media_type: MediaType) -> Response {
    let server_error = request_error(error);
    let reply = match error.code() {
        Code::Timeout | Code::InternalServerError => Reply::failed(server_error),
        _ => Reply::not_executed(vec![server_error]),
    };
    reply.count_errors();
    let mut response = respond(status::of_code(error.code()), media_type, &reply);
    retry_after(error, response.headers_mut());
    response
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
