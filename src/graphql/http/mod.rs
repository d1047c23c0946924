//! GraphQL over HTTP: requests, responses, content negotiation and protection against CSRF. Only `handler` knows the
//! schema and users.

mod events;
pub(super) mod handler;
mod negotiation;
mod preflight;
mod request;
mod response;

use axum::response::Response;

pub use self::preflight::PREFLIGHT_HEADERS;
use self::{
    negotiation::MediaType,
    preflight::is_preflighted,
    request::{Operations, check_content_type, from_body, from_query},
};
use crate::error::Error;

/// The response to an error outside of the handlers, such as a timeout or a panic.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "REST's function has the same signature")]
pub fn error_response(error: Error) -> Response {
    response::request_error_response(&error, MediaType::default())
}
