//! The REST door: the routes and answers clients of the older FastAPI backends expect, over the same resolvers.

mod body;
mod error;
mod extract;
mod handlers;
mod query;
mod wire;

use axum::{
    Router,
    routing::{MethodFilter, on},
};

pub use self::error::error_response;
use crate::state::AppState;

/// Where the task routes stand; `/api/{user_id}/tasks` is the legacy shape.
pub const PREFIXES: [&str; 3] = ["/api/tasks", "/api/v1/tasks", "/api/{user_id}/tasks"];

/// Makes the table and the router from the same lines, so that neither can know a route the other doesn't.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:path,)+) => {
        /// The task routes, as method and path below a prefix.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),+];

        fn task_routes() -> Router<AppState> {
            Router::new()$(.route($path, on(MethodFilter::$method, $handler)))+
        }
    };
}

routes! {
    GET "/" => handlers::list,
    POST "/" => handlers::create,
    GET "/{task_id}" => handlers::get,
    PUT "/{task_id}" => handlers::update,
    PATCH "/{task_id}" => handlers::update,
    DELETE "/{task_id}" => handlers::delete,
    PATCH "/{task_id}/complete" => handlers::complete,
}

/// The task routes under each of their prefixes.
pub fn routes() -> Router<AppState> {
    PREFIXES.into_iter().fold(Router::new(), |router, prefix| router.nest(prefix, task_routes()))
}
