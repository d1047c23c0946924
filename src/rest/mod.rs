//! The REST door: the routes and answers that clients of the older FastAPI backends expect, on the shared resolvers.

mod body;
mod bulk;
mod changes;
mod error;
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
    middleware::{Next, from_fn, map_response},
    response::Response,
};

pub use self::{
    error::error_response,
    openapi::openapi,
    problem::negotiate,
    routes::{PREFIXES, ROUTES},
};
use crate::{http, state::AppState, store::Replayed};

/// The task routes, and this door's description for programs and for people.
pub fn routes() -> Router<AppState> {
    let tasks = routes::tasks().route_layer(map_response(keep_private)).route_layer(from_fn(mark_replays));
    tasks.merge(openapi::routes())
}

async fn mark_replays(mut request: Request, next: Next) -> Response {
    let replayed = Replayed::default();
    request.extensions_mut().insert(replayed.clone());
    let mut response = next.run(request).await;
    http::mark_replayed(&replayed, &mut response);
    response
}

/// Answers belong to the token's user, and are to be revalidated with their entity tag, unless they say otherwise.
async fn keep_private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.append(header::VARY, HeaderValue::from_static("authorization"));
    response
}
