//! Observes HTTP requests: spans, a line in the log, and metrics.
//!
//! The layer is outside of the router. What only handlers know, such as the user, they note (`notes`).

use std::{
    cell::RefCell,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, Method, Response},
};
use pin_project_lite::pin_project;
use tower::Service;
use tower_http::request_id::RequestId;
use tracing::{
    Span, info_span,
    instrument::{Instrument, Instrumented},
};

use super::{
    metrics::count_request,
    notes::{Notes, Noting, note},
    remote_trace::RemoteTrace,
    summary, traces,
};

/// The header of a request's id, in requests and responses.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Observes a service's requests.
#[derive(Clone)]
pub(crate) struct Observe<S> {
    service: S,
    door: fn(&str) -> &'static str,
}

impl<S> Observe<S> {
    /// `door` returns the name of the API that a route belongs to.
    pub(crate) fn new(service: S, door: fn(&str) -> &'static str) -> Self {
        Self { service, door }
    }
}

impl<S, Body> Service<Request> for Observe<S>
where
    S: Service<Request, Response = Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<Instrumented<Observed<S::Future>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (method, door) = (request.method().clone(), self.door);
        let request_line = RequestLine { door, method, started: Instant::now() };
        let remote = RemoteTrace::of(request.headers());
        let (span, trace) = (request_span(&request), traces::request_span(&request, &remote));
        let response = Notes::new(span.clone(), trace.clone(), remote).during(self.service.call(request));
        Observed { response, request_line: Some(request_line) }.instrument(trace).instrument(span)
    }
}

/// Has only the id, since every line of the log formats all fields of its span.
fn request_span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    info_span!("request", id)
}

pin_project! {
    /// The future of a response.
    pub(crate) struct Observed<F> {
        #[pin]
        response: Noting<F>,
        request_line: Option<RequestLine>,
    }
}

impl<F, Body, E> Future for Observed<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let result = ready!(this.response.as_mut().poll(context));
        let notes = this.response.take_value().map(RefCell::into_inner);
        if let (Ok(response), Some(request), Some(notes)) = (&result, this.request_line.take(), notes) {
            request.finish(response.status().as_u16(), &notes);
        }
        Poll::Ready(result)
    }
}

/// What the layer knows about a request.
struct RequestLine {
    door: fn(&str) -> &'static str,
    method: Method,
    started: Instant,
}

impl RequestLine {
    fn finish(&self, status: u16, notes: &Notes) {
        let elapsed = self.started.elapsed();
        let route = notes.route.as_ref().map(MatchedPath::as_str);
        count_request(self.door, &self.method, route, notes.operation.as_deref(), status, elapsed);
        summary::write(notes, (self.door)(route.unwrap_or_default()), Some(&self.method), status, elapsed);
    }
}

/// Notes a request's route: the pattern, since the path may contain a user id.
pub(crate) fn note_route(mut request: Request) -> Request {
    // Moved, not cloned: all requests to a route share its reference count.
    if let Some(route) = request.extensions_mut().remove::<MatchedPath>() {
        note(|notes| {
            traces::record_route(&notes.trace, request.method(), route.as_str());
            notes.route = Some(route);
        });
    }
    request
}
