//! The route table and the layers around it.

use std::{any::Any, net::IpAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, RawQuery, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};

use crate::{
    error::{Code, Error},
    graphql, health, rest,
    state::{AppState, Playground},
    task::{IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED},
    telemetry::{REQUEST_ID, log_response, request_span},
};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// The longest request id that is taken over from a client.
const MAX_REQUEST_ID: usize = 128;

/// How the router behaves.
#[derive(Clone, Debug)]
pub struct RouterConfig {
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Origins whose pages may call the API; `None` for any on this machine.
    pub cors_origins: Option<Vec<HeaderValue>>,
    /// The metrics, if they are served.
    pub metrics: Option<PrometheusHandle>,
}

/// Both doors and what stands beside them.
pub fn router(state: AppState, config: &RouterConfig) -> Router {
    let request_timeout = config.request_timeout;
    let layers = ServiceBuilder::new()
        .map_request(drop_strange_request_id)
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(request_span)
                .on_request(())
                .on_response(log_response)
                .on_failure(()),
        )
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(middleware::from_fn(plain_options))
        .layer(cors(config.cors_origins.as_deref()))
        .layer(middleware::from_fn(rest::negotiate))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(move |request, next| within(request_timeout, request, next)))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    let metrics = config
        .metrics
        .clone()
        .map_or_else(Router::new, |metrics| Router::new().route("/metrics", get(async move || metrics.render())));
    Router::new()
        .route("/", get(about))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::ready))
        .route("/graphql", graphql_door())
        .route("/graphiql", get(graphiql))
        .route("/graphiql/assets/{name}", get(graphql::graphiql_asset))
        .merge(rest::routes())
        .merge(rest::docs())
        .merge(metrics)
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(layers)
        .with_state(state)
}

/// What this is and where the doors are.
async fn about(State(playground): State<Playground>) -> Response {
    let graphiql = playground.is_on.then_some("/graphiql");
    let doors = json!({ "graphql": "/graphql", "rest": "/api/tasks", "openapi": "/openapi.json", "docs": "/docs", "graphiql": graphiql });
    let health = json!({ "live": "/livez", "ready": "/readyz" });
    Json(json!({ "name": "Tandem", "version": env!("CARGO_PKG_VERSION"), "doors": doors, "health": health }))
        .into_response()
}

fn graphql_door() -> MethodRouter<AppState> {
    in_graphql_form(post(graphql::post).get(graphql_or_page))
}

/// What goes wrong in here is told as GraphQL tells it.
fn in_graphql_form<S: Clone + Send + Sync + 'static>(methods: MethodRouter<S>) -> MethodRouter<S> {
    let panicked = |panic| graphql::error_response(&panic_error(panic));
    methods.fallback(graphql::wrong_method).layer(CatchPanicLayer::custom(panicked))
}

/// The GraphiQL page for a browser, else the operation in the query string.
async fn graphql_or_page(State(state): State<AppState>, query: RawQuery, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if state.playground.is_on && accept.is_some_and(|accept| accept.contains("text/html")) {
        return page(&state.playground, &headers);
    }
    graphql::get(State(state.schema), State(state.verifier), State(state.db), headers, query).await
}

async fn graphiql(State(playground): State<Playground>, headers: HeaderMap) -> Response {
    if playground.is_on { page(&playground, &headers) } else { no_such_route().await }
}

fn page(playground: &Playground, headers: &HeaderMap) -> Response {
    graphql::graphiql("/graphql", playground.token.as_deref().filter(|_| is_this_machine(headers)))
}

/// An OPTIONS that is no preflight asks what the endpoint can be asked with; CORS would answer it like one.
async fn plain_options(request: Request, next: Next) -> Response {
    let is_preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() == Method::OPTIONS && request.uri().path() == "/graphql" && !is_preflight {
        return graphql::options().await;
    }
    next.run(request).await
}

/// Whether the page was asked for by a name of this machine. A page elsewhere whose name is made to resolve to this
/// machine must not read the token.
fn is_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    is_loopback(host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn no_such_route() -> Response {
    rest::error_response(Error::new(Code::NotFound, "Not Found"))
}

async fn no_such_method() -> Response {
    rest::error_response(Error::new(Code::MethodNotAllowed, "Method Not Allowed"))
}

/// The error in the form of the door the request went to.
fn error_for(path: &str, error: Error) -> Response {
    if path == "/graphql" { graphql::error_response(&error) } else { rest::error_response(error) }
}

async fn within(limit: Duration, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let late = |_| error_for(&path, Error::new(Code::Timeout, "The request took too long"));
    timeout(limit, next.run(request)).await.unwrap_or_else(late)
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    rest::error_response(panic_error(panic))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panic_error(panic: Box<dyn Any + Send + 'static>) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("of an unknown kind")))
}

/// Ids end up in logs: what isn't short and printable is replaced.
fn drop_strange_request_id(mut request: Request) -> Request {
    let is_strange = |id: &HeaderValue| id.len() > MAX_REQUEST_ID || !id.as_bytes().iter().all(u8::is_ascii_graphic);
    if request.headers().get(REQUEST_ID).is_some_and(is_strange) {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

fn cors(origins: Option<&[HeaderValue]>) -> CorsLayer {
    let origins = match origins {
        Some(origins) => AllowOrigin::list(origins.iter().cloned()),
        None => AllowOrigin::predicate(|origin, _| is_local_origin(origin)),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(
            [
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                HeaderName::from_static(IDEMPOTENCY_KEY),
                REQUEST_ID,
            ]
            .into_iter()
            .chain(graphql::PREFLIGHT_HEADERS)
            .collect::<Vec<_>>(),
        )
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::LOCATION,
            HeaderName::from_static("x-total-count"),
            HeaderName::from_static(IDEMPOTENT_REPLAYED),
            REQUEST_ID,
        ])
        .max_age(Duration::from_mins(10))
}

fn is_local_origin(origin: &HeaderValue) -> bool {
    let url = origin.to_str().ok().and_then(|origin| url::Url::parse(origin).ok());
    url.is_some_and(|url| url.host_str().is_some_and(is_loopback))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_in_graphqls_form_and_not_what_it_said() {
        let router: Router = Router::new().route("/graphql", in_graphql_form(get(panic_there)));
        let request = Request::builder().uri("/graphql").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 500);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
        assert!(!body.to_string().contains("secret"));
    }

    async fn panic_there() {
        panic!("a secret");
    }
}
