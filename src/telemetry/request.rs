//! What is written down of each request: a span around it, a line in the log, its metrics, and its trace.
//!
//! The layer sees a request from outside. Who sent it and what it ran is known to handlers only, who note it (`notes`).

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
    metrics::request_answered,
    notes::{Notes, Noting},
    traces::{self, RemoteTrace},
};

/// The header of a request's id, in requests and responses.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Observes the requests to a service.
#[derive(Clone)]
pub(crate) struct Observe<S> {
    service: S,
    door: fn(&str) -> &'static str,
}

impl<S> Observe<S> {
    /// The function names the door that a route belongs to.
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
        let answer = Notes::new(span.clone(), trace.clone(), remote).during(self.service.call(request));
        Observed { answer, request_line: Some(request_line) }.instrument(trace).instrument(span)
    }
}

/// Each of its fields is read and written again for each line of the log, so it has the id only.
fn request_span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    info_span!("request", id)
}

pin_project! {
    /// An answer to come.
    pub(crate) struct Observed<F> {
        #[pin]
        answer: Noting<F>,
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
        let answer = ready!(this.answer.as_mut().poll(context));
        let notes = this.answer.take_value().map(RefCell::into_inner);
        if let (Ok(response), Some(request), Some(notes)) = (&answer, this.request_line.take(), notes) {
            request.answered(response.status().as_u16(), &notes);
        }
        Poll::Ready(answer)
    }
}

/// What is known of a request from its head.
struct RequestLine {
    door: fn(&str) -> &'static str,
    method: Method,
    started: Instant,
}

impl RequestLine {
    fn answered(&self, status: u16, notes: &Notes) {
        let elapsed = self.started.elapsed();
        let route = notes.route.as_ref().map(MatchedPath::as_str);
        request_answered(self.door, &self.method, route, notes.operation.as_deref(), status, elapsed);
        notes.answered((self.door)(route.unwrap_or_default()), Some(&self.method), status, elapsed);
    }
}
