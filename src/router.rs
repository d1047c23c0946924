//! Both APIs, health and metrics, and the layers around them.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{FromRef, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::FutureExt;
use hyper::body::Body as _;
use serde_json::json;
use tower::{Service, ServiceBuilder, ServiceExt, layer::layer_fn, util::MapRequestLayer};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::{
    auth::Verifier,
    error::{Code, Error, Result},
    graphql::{self, Playground},
    http::{
        guard::{self, Bodies, Outgoing},
        health::{self, Readiness},
        rate_limiting::{self, Client, RateLimits},
        request,
        streams::Connection,
    },
    rest,
    state::AppState,
    store::Db,
    telemetry::{self, Metrics, Observe, REQUEST_ID, note_route},
    web::{self, WebApp},
};

/// How the router behaves.
#[derive(Clone, Debug)]
pub struct RouterConfig {
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Origins whose pages may call the API; `None` for any on this machine.
    pub cors_origins: Option<Vec<HeaderValue>>,
    /// How long browsers remember to use HTTPS only; `None` sends no such header.
    pub hsts: Option<Duration>,
    /// The metrics, if they are served here.
    pub metrics: Option<Metrics>,
}

/// Everything that is served. Errors outside both APIs have REST's format.
///
/// The layers are around the whole router and statically typed: axum clones the layers of a route for each request, and
/// boxes each of them.
pub fn app(state: AppState, config: &RouterConfig) -> impl App + use<> {
    let (limits, verifier) = (state.rate_limits.clone(), state.verifier.clone());
    let (outgoing, bodies) = (state.outgoing.clone(), state.bodies.clone());
    let routes = Router::new()
        .route("/", get(about))
        .merge(health::routes())
        .merge(config.metrics.clone().map(|metrics| metrics_route(metrics, state.db.clone())).unwrap_or_default())
        .merge(rest::routes(state.rest))
        .merge(graphql::routes())
        .merge(web::routes())
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(MapRequestLayer::new(note_route))
        .with_state(Arc::new(state));
    let (deadline, origins) = (config.request_timeout, config.cors_origins.clone());
    let around = Arc::new(Around { routes, limits, verifier, outgoing, bodies, deadline, origins });
    let answer = move |request| Arc::clone(&around).answer(request).map(Ok).boxed();
    ServiceBuilder::new()
        .map_response(guard::security_headers(config.hsts))
        .map_request(request::drop_invalid_request_id)
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .layer(layer_fn(|service| Observe::new(service, api)))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(guard::cors(config.cors_origins.as_deref(), &graphql::PREFLIGHT_HEADERS))
        .service_fn(answer)
}

/// The service that answers requests.
pub trait App:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<S> App for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
}

/// What surrounds every handler, besides the layers that only add or read headers.
struct Around {
    routes: Router,
    limits: RateLimits,
    verifier: Verifier,
    outgoing: Outgoing,
    bodies: Bodies,
    deadline: Duration,
    origins: Option<Vec<HeaderValue>>,
}

impl Around {
    #[expect(clippy::manual_async_fn, reason = "an async fn stores its arguments twice")]
    fn answer(self: Arc<Self>, mut request: Request) -> impl Future<Output = Response> {
        async move {
            let error_response = render_error(request.uri().path());
            let accepted = rest::Accepted::of(request.headers());
            let connection = request.extensions().get::<Connection>().cloned().unwrap_or_default();
            let unread = guard::UnreadBody::track(&mut request);
            let _counted = guard::expect_large(&mut request);
            let replayed = request::expect_replay(&mut request);
            let answered = match self.admit(&request) {
                Ok(client) => {
                    let mut timer = connection.timer();
                    let answer = pin!(self.routes.clone().oneshot(request));
                    let answered = guard::guarded(&mut timer, self.deadline, answer).await;
                    // A timer keeps its last task alive; a connection's task should end when it is upgraded.
                    if !answered.as_ref().is_ok_and(|response| response.status() == StatusCode::SWITCHING_PROTOCOLS) {
                        connection.keep(timer);
                    }
                    answered.inspect(|response| rate_limiting::charge_refused_token(client.as_ref(), response))
                }
                Err(error) => {
                    // The body counts as left over once the request is dropped.
                    drop(request);
                    Err(error)
                }
            };
            let answered = answered.and_then(|response| self.hold(response));
            let mut response = accepted.negotiate(answered.unwrap_or_else(error_response));
            request::mark_replayed(replayed.as_ref(), &mut response);
            unread.drain(&mut response);
            response
        }
    }

    /// Counts a response's bytes until the client has taken them. Beyond the bounds a read gets an error instead; a write is
    /// always answered.
    fn hold(&self, mut response: Response) -> Result<Response> {
        let length = response.body().size_hint().exact().and_then(|length| usize::try_from(length).ok());
        let Some(length @ 1..) = length else { return Ok(response) };
        let (user, has_written) = telemetry::noted();
        if !has_written && response.status().is_success() {
            self.outgoing.check(user.as_deref(), length)?;
        }
        response.extensions_mut().insert(Arc::new(self.outgoing.hold(user, length)));
        Ok(response)
    }

    /// Checks everything that can be known of a request without its body.
    fn admit(&self, request: &Request) -> Result<Option<Client>> {
        let client = rate_limiting::admit(request, &self.limits, &self.verifier)?;
        guard::check_connection(request)?;
        self.bodies.check_head(request)?;
        guard::check_socket_origin(request.headers(), self.origins.as_deref())?;
        Ok(client)
    }
}

/// Serves the metrics.
fn metrics_route<S: Clone + Send + Sync + 'static>(metrics: Metrics, db: Db) -> Router<S> {
    let scrape = async move || {
        db.report_usage();
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
    };
    Router::new().route("/metrics", get(scrape))
}

/// What operators ask for, on a port of its own: metrics and probes.
pub fn operators_routes(metrics: Metrics, db: Db, readiness: Readiness) -> Router {
    #[derive(Clone, FromRef)]
    struct Operators {
        db: Db,
        readiness: Readiness,
    }
    let probes = health::routes().with_state(Operators { db: db.clone(), readiness });
    metrics_route(metrics, db).merge(probes)
}

/// The API of a route, as logs and metrics name it.
fn api(route: &str) -> &'static str {
    match route {
        _ if route.starts_with("/graphql") => telemetry::GRAPHQL,
        _ if route.starts_with("/api/") => telemetry::REST,
        _ if guard::is_probe(route) => "health",
        _ => "other",
    }
}

/// Names what is served here, and where; a browser gets the app.
async fn about(State(playground): State<Playground>, State(app): State<WebApp>, headers: HeaderMap) -> Response {
    let vary = [(header::VARY, "accept")];
    if let Some(redirect) = web::redirect(&app, &headers) {
        return (vary, redirect).into_response();
    }
    let graphiql = playground.is_on.then_some("/graphiql");
    let doors = json!({ "graphql": "/graphql", "rest": "/api/tasks", "openapi": "/openapi.json", "docs": "/docs", "graphiql": graphiql, "app": app.is_on.then_some("/app") });
    let health = json!({ "live": "/livez", "ready": "/readyz" });
    let about = json!({ "name": "Tandem", "version": env!("CARGO_PKG_VERSION"), "doors": doors, "health": health });
    (vary, Json(about)).into_response()
}

async fn no_such_route() -> Response {
    rest::error_response(Error::new(Code::NotFound, "Not Found"))
}

async fn no_such_method() -> Response {
    rest::error_response(Error::new(Code::MethodNotAllowed, "Method Not Allowed"))
}

/// Renders errors in the format of the API that a path belongs to.
fn render_error(path: &str) -> fn(Error) -> Response {
    if path.starts_with("/graphql") { graphql::error_response } else { rest::error_response }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::timer::Timer;

    #[tokio::test]
    async fn a_panic_is_rendered_in_its_apis_format_without_its_message() {
        for (path, pointer) in [("/graphql", "/errors/0/extensions/code"), ("/api/tasks", "/code")] {
            let answer = async { panic!("a secret") };
            let guarded = guard::guarded(&mut Timer::default(), Duration::from_mins(1), pin!(answer)).await;
            let response = guarded.unwrap_or_else(render_error(path));
            assert_eq!(response.status().as_u16(), 500);
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body.pointer(pointer).unwrap(), "INTERNAL_SERVER_ERROR");
            assert!(!body.to_string().contains("secret"));
        }
    }
}
