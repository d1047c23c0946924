//! The REST API: the routes and responses that clients of the older FastAPI backends expect, on the shared resolvers.

mod error;
mod me;
mod openapi;
mod problem;
mod request;
mod responses;
mod routes;
pub(crate) mod settings;
mod tasks;
mod trash;

use axum::Router;

pub(crate) use self::problem::Accepted;
pub use self::{
    error::error_response,
    me::ME_ROUTES,
    openapi::openapi,
    routes::{PREFIXES, ROUTES},
    settings::{DeleteForm, ListForm, RestSettings, UnknownFields},
};
use crate::state::SharedState;

/// The routes of tasks and of the user, the OpenAPI document and the page that shows it.
pub fn routes(rest: RestSettings) -> Router<SharedState> {
    routes::tasks().merge(me::routes()).merge(openapi::routes(rest))
}
