//! Traces for OpenTelemetry, sent to a collector over HTTP (OTLP). Without the feature `otlp`, all of this does nothing.
//!
//! Spans of traces have targets of their own, which logs leave out and only the exporter enables. So they cost next to nothing
//! without an exporter or in requests that aren't sampled: `sampling` decides before a span is created.

mod exporter;
mod propagation;
#[cfg(feature = "otlp")]
mod sampling;

use axum::http::{Method, Request};
use tracing::{Span, field};
use url::Url;

pub use self::exporter::Traces;
pub(crate) use self::propagation::outgoing_headers;
use super::remote_trace::RemoteTrace;

/// The target of spans inside a trace, and the prefix of all targets of traces.
pub(super) const TARGET: &str = "tandem_trace";
/// The target of spans that start a trace, unless they are inside one or inside a request, which had its own chance.
#[cfg(feature = "otlp")]
const ROOT: &str = "tandem_trace::root";
/// The target of spans that continue a client's trace.
#[cfg(feature = "otlp")]
const CONTINUED: &str = "tandem_trace::continued";

/// A span inside the current trace: `trace_span!("name", field = value)`.
macro_rules! trace_span {
    ($($name_and_fields:tt)+) => {
        tracing::debug_span!(target: "tandem_trace", $($name_and_fields)+)
    };
}
pub(crate) use trace_span;

/// A span inside the current trace, or outside of requests the root of a new one. What counts is where it is created, not where
/// it is entered.
macro_rules! root_span {
    ($($name_and_fields:tt)+) => {
        tracing::debug_span!(target: "tandem_trace::root", $($name_and_fields)+)
    };
}
pub(crate) use root_span;

/// A span that continues the client's trace if the client samples it, within the limit, or starts one if the client names none.
macro_rules! entry_span {
    ($remote:expr, $($name_and_fields:tt)+) => {
        match $remote.is_sampled() {
            None => root_span!($($name_and_fields)+),
            Some(false) => Span::none(),
            Some(true) => $remote.adopt(tracing::debug_span!(target: "tandem_trace::continued", $($name_and_fields)+)),
        }
    };
}

/// Where traces are sent, and how many.
#[derive(Clone, Debug)]
pub struct Tracing {
    /// The collector, without a path.
    pub endpoint: Url,
    /// The fraction of requests that are traced.
    pub sampling: f64,
    /// Maximum number of traces per second that clients may force with a sampled `traceparent`.
    pub traceparent_limit: u32,
}

/// The span of a request.
pub(super) fn request_span<B>(request: &Request<B>, remote: &RemoteTrace) -> Span {
    let method = request.method().as_str();
    entry_span!(
        remote,
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

/// The span of an operation on a WebSocket. It continues the trace of the upgrade request.
pub(super) fn operation_span(remote: &RemoteTrace) -> Span {
    entry_span!(
        remote,
        "websocket operation",
        otel.kind = "server",
        otel.status_code = field::Empty,
        door = field::Empty,
        root_field = field::Empty,
    )
}

/// Records the route of a request, after which the span is named.
pub(super) fn record_route(span: &Span, method: &Method, route: &str) {
    if span.is_disabled() {
        return;
    }
    span.record("http.route", route);
    #[cfg(feature = "otlp")]
    {
        use opentelemetry::trace::TraceContextExt;
        use tracing_opentelemetry::OpenTelemetrySpanExt;

        // The field `otel.name` can't rename a span that has started.
        span.context().span().update_name(format!("{method} {route}"));
    }
    #[cfg(not(feature = "otlp"))]
    let _ = method;
}

/// Records the response to a request.
pub(super) fn record_response(span: &Span, door: &'static str, status: u16, root_field: Option<&str>) {
    span.record("door", door);
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    if let Some(root_field) = root_field {
        span.record("root_field", root_field);
    }
}
