//! The GraphQL over HTTP specification: requests, responses, content negotiation, protection against CSRF. Only `handler`
//! knows our schema and users.

mod events;
pub(super) mod handler;
mod negotiation;
mod preflight;
mod request;
mod response;

pub use self::{handler::error_response, preflight::PREFLIGHT_HEADERS};
pub(super) use self::{
    negotiation::MediaType,
    preflight::is_preflighted,
    request::{Operations, check_content_type, from_body, from_query},
    response::{many, one, refused},
};
