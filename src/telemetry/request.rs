//! What is written down of each request: a span around it, a line in the log, its metrics, and its trace.
//!
//! The layer sees a request from outside. Who sent it and what it ran is known to handlers only, who note it for the
//! request that the current task is working on.

use std::{
    cell::RefCell,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, Method, Response},
};
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tower::Service;
use tower_http::request_id::RequestId;
use tracing::{
    Span, field, info, info_span,
    instrument::{Instrument, Instrumented},
};

use super::{metrics::request_answered, traces};

/// The header of a request's id, in requests and responses.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// What is known of a request inside of the router.
struct Notes {
    /// Of the log.
    span: Span,
    /// Of the trace.
    trace: Span,
    route: Option<MatchedPath>,
    user: Option<Arc<str>>,
    operation: Option<Arc<str>>,
}

/// Notes the route of a request. Not the path, which may contain a user id.
pub(crate) fn note_route(request: Request) -> Request {
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        note(|notes| {
            notes.span.record("route", route.as_str());
            traces::routed(&notes.trace, request.method(), route.as_str());
            notes.route = Some(route.clone());
        });
    }
    request
}

/// Notes whose request this is. The log has a hash of the id.
pub(crate) fn note_user(id: &Arc<str>) {
    note(|notes| notes.user = Some(Arc::clone(id)));
}

/// Notes which root field a GraphQL operation selects: a name of the schema, never a client's word. A batch can have
/// several.
pub(crate) fn note_operation(field: &Arc<str>) {
    note(|notes| match &notes.operation {
        Some(first) if first != field => notes.operation = Some("several".into()),
        Some(_) => {}
        None => notes.operation = Some(Arc::clone(field)),
    });
}

fn note(write: impl FnOnce(&mut Notes)) {
    // Outside of requests, as in background work, there is nothing to write it into.
    let _ = NOTES.try_with(|notes| write(&mut notes.borrow_mut()));
}

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
        let (span, trace) = (request_span(&request), traces::request_span(&request));
        let (log, exported) = (span.clone(), trace.clone());
        let notes = Notes { span: log, trace: exported, route: None, user: None, operation: None };
        let answer = NOTES.scope(RefCell::new(notes), self.service.call(request));
        Observed { answer, request_line: Some(request_line) }.instrument(trace).instrument(span)
    }
}

/// The route is added inside of the router.
fn request_span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    info_span!("request", id, method = %request.method(), route = field::Empty)
}

pin_project! {
    /// An answer to come.
    pub(crate) struct Observed<F> {
        #[pin]
        answer: TaskLocalFuture<RefCell<Notes>, F>,
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
        let operation = notes.operation.as_deref();
        request_answered(self.door, &self.method, route, operation, status, elapsed);
        traces::answered(&notes.trace, (self.door)(route.unwrap_or_default()), status, operation);
        let user = notes.user.as_deref().map(|id| field::display(Hashed(id)));
        info!(status, ms = elapsed.as_secs_f64() * 1000.0, operation, user, "answered");
    }
}

/// The first 12 digits of a user id's SHA-256: enough to find somebody's requests, too little to tell who it is.
struct Hashed<'a>(&'a str);

impl fmt::Display for Hashed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        digest(&SHA256, self.0.as_bytes()).as_ref().iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_in_the_log_by_what_sha256sum_prints() {
        // printf ann | sha256sum | cut -c1-12
        assert_eq!(Hashed("ann").to_string(), "49915e0d7d4b");
    }
}
