//! GraphQL over HTTP, as its specification has it: what may be sent, what may be asked back, and which status an answer
//! has. It knows neither our schema nor our users, and would serve any other schema of async-graphql's as well.

pub(super) mod handler;
mod negotiation;
mod preflight;
mod request;
mod response;

pub use self::{handler::error_response, preflight::PREFLIGHT_HEADERS};
pub(super) use self::{
    negotiation::MediaType,
    preflight::is_asked_about,
    request::{Operations, Parameters, check_content_type, from_body, from_query},
    response::{Reply, many, one, refused},
};
