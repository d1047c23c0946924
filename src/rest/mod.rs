//! The REST door: the routes and answers clients of the older FastAPI backends expect, over the same resolvers.

mod body;
mod bulk;
mod error;
mod extract;
mod handlers;
mod json;
mod openapi;
mod problem;
mod query;
mod wire;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{Next, from_fn, map_response},
    response::Response,
    routing::{MethodFilter, MethodRouter, get, on},
};

pub use self::{error::error_response, openapi::openapi, problem::negotiate};
use crate::{http, state::AppState, store::Replayed};

/// Where the task routes stand; `/api/{user_id}/tasks` is the legacy shape.
pub const PREFIXES: [&str; 3] = ["/api/tasks", "/api/v1/tasks", "/api/{user_id}/tasks"];

/// Makes the table and the router from the same lines, so that neither can know a route the other doesn't.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:path,)+) => {
        /// The task routes, as method and path below a prefix.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),+];

        fn task_routes(prefix: &str) -> Router<AppState> {
            Router::new()$(.merge(route(prefix, $path, on(MethodFilter::$method, $handler))))+
        }
    };
}

routes! {
    GET "/" => handlers::list,
    POST "/" => handlers::create,
    POST "/bulk" => handlers::bulk,
    GET "/{task_id}" => handlers::get,
    PUT "/{task_id}" => handlers::update,
    PATCH "/{task_id}" => handlers::patch,
    DELETE "/{task_id}" => handlers::delete,
    PATCH "/{task_id}/complete" => handlers::complete,
}

/// With and without a slash at the end. FastAPI sends a 307 from the one to the other, but browsers follow no redirect
/// in a preflight and some clients drop the token on the way: whoever was sent elsewhere before is content to be answered.
fn route(prefix: &str, path: &str, method: MethodRouter<AppState>) -> Router<AppState> {
    let path = format!("{prefix}{}", path.trim_end_matches('/'));
    Router::new().route(&path, method.clone()).route(&format!("{path}/"), method)
}

/// The task routes under each of their prefixes, and the description of this door for programs and for people.
pub fn routes() -> Router<AppState> {
    let tasks = PREFIXES.into_iter().fold(Router::new(), |router, prefix| router.merge(task_routes(prefix)));
    tasks
        .route_layer(map_response(keep_private))
        .route_layer(from_fn(tell_replays))
        .route("/openapi.json", get(openapi::document))
        .merge(openapi::swagger_ui())
}

/// Says so when an answer was given before.
async fn tell_replays(mut request: Request, next: Next) -> Response {
    let replayed = Replayed::default();
    request.extensions_mut().insert(replayed.clone());
    let mut response = next.run(request).await;
    http::mark_replayed(&replayed, &mut response);
    response
}

/// Answers belong to the user of the token, and are good as long as their entity tag is.
async fn keep_private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.append(header::VARY, HeaderValue::from_static("authorization"));
    response
}
