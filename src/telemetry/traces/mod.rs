//! Traces for OpenTelemetry, sent to a collector over HTTP (OTLP). Only builds with the feature `otlp` send any; in others
//! all of this does nothing.
//!
//! Spans of traces have targets of their own, which logs leave out. Nobody else enables them, so they cost next to nothing
//! where nobody traces, and in a request that isn't sampled: `sampling` decides before there is a span.

mod exporter;
mod propagation;
#[cfg(feature = "otlp")]
mod sampling;

use axum::http::{Method, Request};
use tracing::{Span, field};
use url::Url;

pub use self::exporter::Traces;
pub(super) use self::propagation::RemoteTrace;
pub(crate) use self::propagation::outgoing_headers;

/// The target of spans that are part of the trace around them, and that all targets of traces begin with.
pub(super) const TARGET: &str = "tandem_trace";
/// The target of spans that begin a trace where there is neither one around them nor a request, which had its chance.
#[cfg(feature = "otlp")]
const BEGINNING: &str = "tandem_trace::beginning";
/// The target of spans that continue a client's trace.
#[cfg(feature = "otlp")]
const CONTINUED: &str = "tandem_trace::continued";

/// A span that is part of the trace around it: `trace_span!("name", field = value)`.
macro_rules! trace_span {
    ($($name_and_fields:tt)+) => {
        tracing::debug_span!(target: "tandem_trace", $($name_and_fields)+)
    };
}
pub(crate) use trace_span;

/// A span that is part of the trace or of the request around it, and begins a trace where there is neither. Where it is made
/// counts, not where it is entered.
macro_rules! beginning_span {
    ($($name_and_fields:tt)+) => {
        tracing::debug_span!(target: "tandem_trace::beginning", $($name_and_fields)+)
    };
}
pub(crate) use beginning_span;

/// A span that continues a client's trace if there is one and the client samples it, or else begins one.
macro_rules! entry_span {
    ($trace:expr, $($name_and_fields:tt)+) => {
        match $trace.is_sampled() {
            None => beginning_span!($($name_and_fields)+),
            Some(false) => Span::none(),
            Some(true) => {
                $trace.continued_in(tracing::debug_span!(target: "tandem_trace::continued", $($name_and_fields)+))
            }
        }
    };
}

/// Where traces are sent, and how many.
#[derive(Clone, Debug)]
pub struct Tracing {
    /// The collector, without a path.
    pub endpoint: Url,
    /// The part of requests that are traced if the client's `traceparent` doesn't decide.
    pub sampling: f64,
}

/// The span of a request, which continues the client's trace if there is one.
pub(super) fn request_span<B>(request: &Request<B>, trace: &RemoteTrace) -> Span {
    let method = request.method().as_str();
    entry_span!(
        trace,
        "request",
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = field::Empty,
        http.response.status_code = field::Empty,
        door = field::Empty,
        root_field = field::Empty,
    )
}

/// The span of an operation on a socket, which continues the trace of the client that opened it.
pub(super) fn operation_span(trace: &RemoteTrace) -> Span {
    entry_span!(
        trace,
        "websocket operation",
        otel.kind = "server",
        otel.status_code = field::Empty,
        door = field::Empty,
        root_field = field::Empty,
    )
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
