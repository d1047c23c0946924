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

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{Next, from_fn},
    response::Response,
};

pub(crate) use self::problem::negotiate;
pub use self::{
    error::error_response,
    openapi::openapi,
    routes::{PREFIXES, ROUTES},
};
use crate::{http, state::AppState, store::Replayed};

/// The task routes, and this door's description for programs and for people.
pub fn routes() -> Router<AppState> {
    routes::tasks().route_layer(from_fn(describe)).merge(openapi::routes())
}

/// Says of an answer whether it is a replay, and that it belongs to the token's user and is to be revalidated with its
/// entity tag, unless it says otherwise.
async fn describe(mut request: Request, next: Next) -> Response {
    let replayed = Replayed::default();
    request.extensions_mut().insert(replayed.clone());
    let mut response = next.run(request).await;
    http::mark_replayed(&replayed, &mut response);
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.append(header::VARY, HeaderValue::from_static("authorization"));
    response
}
