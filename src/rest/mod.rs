//! The REST API: the routes and responses that clients of the older FastAPI backends expect, on the shared resolvers.

mod error;
mod openapi;
mod problem;
mod request;
mod responses;
mod routes;
pub(crate) mod settings;
mod tasks;

use axum::Router;

pub(crate) use self::problem::Accepted;
pub use self::{
    error::error_response,
    openapi::openapi,
    routes::{PREFIXES, ROUTES},
    settings::{DeleteForm, ListForm, RestSettings, UnknownFields},
};
use crate::state::SharedState;

/// The task routes, the OpenAPI document and the page that shows it.
pub fn routes(rest: RestSettings) -> Router<SharedState> {
    routes::tasks().merge(openapi::routes(rest))
}
