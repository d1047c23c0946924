//! The two doors, health and metrics, and the layers around them.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tower::{ServiceBuilder, layer::layer_fn, util::MapRequestLayer};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::{
    auth::Verifier,
    error::{Code, Error},
    graphql::{self, Playground},
    health, http,
    rate_limit::RateLimits,
    rest,
    state::AppState,
    store::Db,
    telemetry::{self, Metrics, Observe, REQUEST_ID, note_route},
};

/// How the router behaves.
#[derive(Clone, Debug)]
pub struct RouterConfig {
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Origins whose pages may call the API; `None` for any on this machine.
    pub cors_origins: Option<Vec<HeaderValue>>,
    /// How long browsers are to remember that this server is reached by HTTPS only, if they are to.
    pub hsts: Option<Duration>,
    /// The metrics, if they are served here.
    pub metrics: Option<Metrics>,
}

/// Everything that is served. What belongs to no door gives its errors in REST's form.
///
/// The layers are around the whole router, not around each of its routes: axum copies the layers of a route for each
/// request.
pub fn router(state: AppState, config: &RouterConfig) -> Router {
    let around = Around {
        limits: state.rate_limits.clone(),
        verifier: state.verifier.clone(),
        deadline: config.request_timeout,
        origins: config.cors_origins.clone(),
    };
    let routes = Router::new()
        .route("/", get(about))
        .merge(health::routes())
        .merge(config.metrics.clone().map(|metrics| metrics_route(metrics, state.db.clone())).unwrap_or_default())
        .merge(rest::routes())
        .merge(graphql::routes())
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(MapRequestLayer::new(note_route))
        .with_state(state);
    let service = ServiceBuilder::new()
        .map_response(http::security_headers(config.hsts))
        .map_request(http::drop_invalid_request_id)
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .layer(layer_fn(|service| Observe::new(service, door)))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(http::cors(config.cors_origins.as_deref(), &graphql::PREFLIGHT_HEADERS))
        .layer(DefaultBodyLimit::max(http::MAX_BODY))
        .layer(from_fn_with_state(Arc::new(around), Around::answer))
        .service(routes);
    Router::new().fallback_service(service)
}

/// What is around every handler, beside the layers that only add or read headers.
struct Around {
    limits: RateLimits,
    verifier: Verifier,
    deadline: Duration,
    origins: Option<Vec<HeaderValue>>,
}

impl Around {
    async fn answer(State(this): State<Arc<Self>>, request: Request, next: Next) -> Response {
        let handled = |request: Request| async {
            match http::check_socket_origin(request.headers(), this.origins.as_deref()) {
                Ok(()) => next.run(request).await,
                Err(error) => door_error(request.uri().path(), error),
            }
        };
        let guarded = |request| http::guarded(request, this.deadline, door_error, handled);
        let limited = |request| http::rate_limited(request, &this.limits, &this.verifier, door_error, guarded);
        let negotiated = |request| rest::negotiate(request, limited);
        http::drain_unread_body(request, negotiated).await
    }
}

/// Serves the metrics.
pub fn metrics_route<S: Clone + Send + Sync + 'static>(metrics: Metrics, db: Db) -> Router<S> {
    let scrape = async move || {
        db.report_usage();
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
    };
    Router::new().route("/metrics", get(scrape))
}

/// The door of a route, as logs and metrics name it.
fn door(route: &str) -> &'static str {
    match route {
        _ if route.starts_with("/graphql") => telemetry::GRAPHQL,
        _ if route.starts_with("/api/") => telemetry::REST,
        _ if http::is_probe(route) => "health",
        _ => "other",
    }
}

/// Names what is served here, and where.
async fn about(State(playground): State<Playground>) -> Response {
    let graphiql = playground.is_on.then_some("/graphiql");
    let doors = json!({ "graphql": "/graphql", "rest": "/api/tasks", "openapi": "/openapi.json", "docs": "/docs", "graphiql": graphiql });
    let health = json!({ "live": "/livez", "ready": "/readyz" });
    Json(json!({ "name": "Tandem", "version": env!("CARGO_PKG_VERSION"), "doors": doors, "health": health }))
        .into_response()
}

async fn no_such_route() -> Response {
    rest::error_response(Error::new(Code::NotFound, "Not Found"))
}

async fn no_such_method() -> Response {
    rest::error_response(Error::new(Code::MethodNotAllowed, "Method Not Allowed"))
}

fn door_error(path: &str, error: Error) -> Response {
    if path.starts_with("/graphql") { graphql::error_response(error) } else { rest::error_response(error) }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};

    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_in_the_form_of_its_door_and_not_what_it_said() {
        for (path, pointer) in [("/graphql", "/errors/0/extensions/code"), ("/api/tasks", "/code")] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response =
                http::guarded(request, Duration::from_mins(1), door_error, |_| async { panic!("a secret") }).await;
            assert_eq!(response.status().as_u16(), 500);
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body.pointer(pointer).unwrap(), "INTERNAL_SERVER_ERROR");
            assert!(!body.to_string().contains("secret"));
        }
    }
}
