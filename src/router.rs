//! The two doors, health and metrics, and the layers around them.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::HeaderValue,
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tower::ServiceBuilder;
use tower_http::{
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};

use crate::{
    error::{Code, Error},
    graphql::{self, Playground},
    health, http, rest,
    state::AppState,
    telemetry::{REQUEST_ID, log_response, request_span},
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
    /// The metrics, if they are served.
    pub metrics: Option<PrometheusHandle>,
}

/// Everything that is served. What belongs to no door gives its errors in REST's form.
pub fn router(state: AppState, config: &RouterConfig) -> Router {
    let beside = Router::new()
        .route("/", get(about))
        .merge(health::routes())
        .merge(metrics(config.metrics.clone()))
        .merge(rest::routes())
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method);
    let beside = http::guarded(beside, config.request_timeout, rest::error_response);
    let graphql = http::same_origin_sockets(graphql::routes(), config.cors_origins.as_deref(), graphql::error_response);
    let graphql = http::guarded(graphql, config.request_timeout, graphql::error_response);
    let AppState { rate_limits, verifier, .. } = &state;
    let beside = http::rate_limited(beside, rate_limits, verifier, rest::error_response);
    let graphql = http::rate_limited(graphql, rate_limits, verifier, graphql::error_response);
    let layers = ServiceBuilder::new()
        .map_response(http::security_headers(config.hsts))
        .map_request(http::drop_invalid_request_id)
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(request_span)
                .on_request(())
                .on_response(log_response)
                .on_failure(()),
        )
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(from_fn(http::drain_unread_body))
        .layer(http::cors(config.cors_origins.as_deref(), &graphql::PREFLIGHT_HEADERS))
        .layer(DefaultBodyLimit::max(http::MAX_BODY));
    beside.layer(from_fn(rest::negotiate)).merge(graphql).layer(layers).with_state(state)
}

fn metrics(handle: Option<PrometheusHandle>) -> Router<AppState> {
    let Some(handle) = handle else { return Router::new() };
    Router::new().route("/metrics", get(async move || handle.render()))
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

/// The error in the form of the door that a path leads to.
pub(crate) fn error_response(path: &str, error: Error) -> Response {
    let refused =
        if path.starts_with("/graphql") { graphql::error_response(error) } else { rest::error_response(error) };
    http::security_headers(None)(refused)
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        extract::Request,
    };
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_in_the_form_of_its_door_and_not_what_it_said() {
        for (error_response, pointer) in [
            (graphql::error_response as fn(Error) -> Response, "/errors/0/extensions/code"),
            (rest::error_response, "/code"),
        ] {
            let router: Router = Router::new().route("/", get(panic_there));
            let router = http::guarded(router, Duration::from_mins(1), error_response);
            let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
            assert_eq!(response.status().as_u16(), 500);
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body.pointer(pointer).unwrap(), "INTERNAL_SERVER_ERROR");
            assert!(!body.to_string().contains("secret"));
        }
    }

    async fn panic_there() {
        panic!("a secret");
    }
}
