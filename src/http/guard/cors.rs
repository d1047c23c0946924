//! Which pages of other origins may call the API (CORS).

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, header},
    response::Response,
};
use futures::{
    FutureExt, TryFutureExt,
    future::{BoxFuture, Either, MapOk},
};
use tower::{Layer, Service, ServiceExt};
use tower_http::cors::{self, AllowOrigin};

use super::loopback::is_local_origin;
use crate::{
    http::rate_limiting::RATE_LIMIT_HEADERS,
    task::{IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED},
    telemetry::REQUEST_ID,
};

/// CORS for these origins, or for any on this machine. Pages may also send `headers`.
pub(crate) fn cors(origins: Option<&[HeaderValue]>, headers: &[HeaderName]) -> CorsLayer {
    let origins = match origins {
        Some(origins) => AllowOrigin::list(origins.iter().cloned()),
        None => AllowOrigin::predicate(|origin, _| is_local_origin(origin)),
    };
    let own = [
        header::CONTENT_TYPE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        HeaderName::from_static("prefer"),
        HeaderName::from_static(IDEMPOTENCY_KEY),
        REQUEST_ID,
    ];
    let exposed = [
        header::ETAG,
        header::LINK,
        header::LOCATION,
        HeaderName::from_static("preference-applied"),
        HeaderName::from_static("x-total-count"),
        HeaderName::from_static(IDEMPOTENT_REPLAYED),
        HeaderName::from_static("ignored-fields"),
        REQUEST_ID,
    ];
    let cors = cors::CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(own.into_iter().chain(headers.iter().cloned()).collect::<Vec<_>>())
        .expose_headers(exposed.into_iter().chain(RATE_LIMIT_HEADERS).collect::<Vec<_>>())
        .max_age(Duration::from_mins(10));
    CorsLayer(cors)
}

/// tower-http's layer, for cross-origin requests only: it would take every OPTIONS for a preflight, and send programs the
/// headers that only browsers need.
#[derive(Clone, Debug)]
pub(crate) struct CorsLayer(cors::CorsLayer);

impl<S: Clone> Layer<S> for CorsLayer {
    type Service = Cors<S>;

    fn layer(&self, inner: S) -> Cors<S> {
        Cors { cors: Arc::new(self.0.layer(inner.clone())), inner }
    }
}

/// The service of [`CorsLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Cors<S> {
    /// Shared, as most requests need none of it.
    cors: Arc<cors::Cors<S>>,
    inner: S,
}

impl<S> Service<Request> for Cors<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<MapOk<S::Future, fn(Response) -> Response>, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if is_cross_origin(&request) {
            Either::Right(cors::Cors::clone(&self.cors).oneshot(request).boxed())
        } else {
            Either::Left(self.inner.call(request).map_ok(vary_by_origin))
        }
    }
}

/// Whether this is a browser's request for a page, possibly of another origin, or its preflight.
fn is_cross_origin(request: &Request) -> bool {
    let tells =
        if request.method() == Method::OPTIONS { header::ACCESS_CONTROL_REQUEST_METHOD } else { header::ORIGIN };
    request.headers().contains_key(tells)
}

/// The same request from a page would get a different response.
fn vary_by_origin(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    response
}
