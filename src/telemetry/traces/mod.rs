//! Traces for OpenTelemetry, sent to a collector over HTTP (OTLP). Only builds with the feature `otlp` send any; in others
//! all of this does nothing.
//!
//! Spans of traces have a target of their own, which logs leave out: nobody else enables them, so that they cost next to
//! nothing where nobody traces.

mod exporter;
mod propagation;

use axum::http::{Method, Request};
use tracing::{Span, field};
use url::Url;

pub use self::exporter::Traces;
pub(super) use self::propagation::RemoteTrace;
pub(crate) use self::propagation::outgoing_headers;

/// The target of all spans of traces.
pub(super) const TARGET: &str = "tandem_trace";

/// A span of a trace: `trace_span!("name", field = value)`.
macro_rules! trace_span {
    ($($name_and_fields:tt)+) => {
        tracing::debug_span!(target: "tandem_trace", $($name_and_fields)+)
    };
}
pub(crate) use trace_span;

/// Where traces are sent, and how many.
#[derive(Clone, Debug)]
pub struct Tracing {
    /// The collector, without a path.
    pub endpoint: Url,
    /// The part of requests that are traced if the client's `traceparent` doesn't decide.
    pub sampling: f64,
}

/// The span of a request, which continues the client's trace if there is one.
pub(super) fn request_span<B>(request: &Request<B>) -> Span {
    let method = request.method().as_str();
    let span = trace_span!(
        "request",
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = field::Empty,
        http.response.status_code = field::Empty,
        door = field::Empty,
        root_field = field::Empty,
    );
    if !span.is_disabled() {
        RemoteTrace::of(request.headers()).continue_in(&span);
    }
    span
}

/// The span of an operation on a socket, which continues the trace of the client that opened it.
pub(super) fn operation_span(trace: &RemoteTrace) -> Span {
    let span = trace_span!(
        "websocket operation",
        otel.kind = "server",
        otel.status_code = field::Empty,
        door = field::Empty,
        root_field = field::Empty,
    );
    if !span.is_disabled() {
        trace.continue_in(&span);
    }
    span
}

/// Names the span by the route's pattern.
pub(super) fn routed(span: &Span, method: &Method, route: &str) {
    if !span.is_disabled() {
        propagation::rename(span, &format!("{method} {route}"));
        span.record("http.route", route);
    }
}

/// Records what became of a request.
pub(super) fn answered(span: &Span, door: &'static str, status: u16, root_field: Option<&str>) {
    span.record("door", door);
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    if let Some(root_field) = root_field {
        span.record("root_field", root_field);
    }
}
