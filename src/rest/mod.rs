//! The REST door: the routes and answers that clients of the older FastAPI backends expect, on the shared resolvers.

mod body;
mod bulk;
mod changes;
mod error;
mod event_stream;
mod extract;
mod fields;
mod list;
mod openapi;
mod problem;
mod query;
mod responses;
mod routes;
mod schemas;
mod task;

use axum::Router;

pub(crate) use self::problem::Accepted;
pub use self::{
    error::error_response,
    openapi::openapi,
    routes::{PREFIXES, ROUTES},
};
use crate::state::SharedState;

/// The task routes, and this door's description for programs and for people.
pub fn routes() -> Router<SharedState> {
    routes::tasks().merge(openapi::routes())
}
