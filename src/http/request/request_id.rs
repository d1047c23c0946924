//! Request ids that clients send.

use axum::{extract::Request, http::HeaderValue};

use crate::telemetry::REQUEST_ID;

/// The longest request id that is taken over from a client.
const MAX_REQUEST_ID: usize = 128;

/// Ids end up in logs: one that is long or not printable is dropped, and the request gets a new one.
pub(crate) fn drop_invalid_request_id(mut request: Request) -> Request {
    let is_valid = |id: &HeaderValue| id.len() <= MAX_REQUEST_ID && id.as_bytes().iter().all(u8::is_ascii_graphic);
    if request.headers().get(REQUEST_ID).is_some_and(|id| !is_valid(id)) {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}
