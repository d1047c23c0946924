//! The REST door: the routes and answers clients of the older FastAPI backends expect, over the same resolvers.

mod body;
mod error;
mod extract;
mod handlers;
mod query;
mod wire;

use axum::{
    Router,
    routing::{get, patch},
};

pub use self::error::error_response;
use crate::state::AppState;

/// The task routes under each of their prefixes; `/api/{user_id}/tasks` is the legacy shape.
pub fn routes() -> Router<AppState> {
    const PREFIXES: [&str; 3] = ["/api/tasks", "/api/v1/tasks", "/api/{user_id}/tasks"];
    PREFIXES.into_iter().fold(Router::new(), |router, prefix| router.nest(prefix, task_routes()))
}

fn task_routes() -> Router<AppState> {
    Router::new()
        .route("/", get(handlers::list).post(handlers::create))
        .route("/{task_id}", get(handlers::get).put(handlers::update).patch(handlers::update).delete(handlers::delete))
        .route("/{task_id}/complete", patch(handlers::complete))
}
