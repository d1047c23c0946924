//! Trace context in and out: the header `traceparent` (W3C Trace Context).

use axum::http::HeaderMap;
use tracing::Span;

/// Makes a span part of the trace that a client names.
#[cfg(feature = "otlp")]
pub(super) fn continue_trace(span: &Span, headers: &HeaderMap) {
    use opentelemetry::propagation::TextMapPropagator;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    let context = propagator().extract(&opentelemetry_http::HeaderExtractor(headers));
    if let Err(error) = span.set_parent(context) {
        tracing::debug!(%error, "a trace can't be continued");
    }
}

/// The headers that let another server continue the current trace.
#[cfg(feature = "otlp")]
pub(crate) fn outgoing_headers() -> HeaderMap {
    use opentelemetry::propagation::TextMapPropagator;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    let mut headers = HeaderMap::new();
    propagator().inject_context(&Span::current().context(), &mut opentelemetry_http::HeaderInjector(&mut headers));
    headers
}

#[cfg(feature = "otlp")]
fn propagator() -> opentelemetry_sdk::propagation::TraceContextPropagator {
    opentelemetry_sdk::propagation::TraceContextPropagator::new()
}

/// There are no traces.
#[cfg(not(feature = "otlp"))]
pub(super) fn continue_trace(_: &Span, _: &HeaderMap) {}

/// There are no traces.
#[cfg(not(feature = "otlp"))]
pub(crate) fn outgoing_headers() -> HeaderMap {
    HeaderMap::new()
}
