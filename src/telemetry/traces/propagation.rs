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

/// Renames a span that has begun, which a field can't.
#[cfg(feature = "otlp")]
pub(super) fn rename(span: &Span, name: &str) {
    use opentelemetry::trace::TraceContextExt;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    span.context().span().update_name(name.to_owned());
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
pub(super) fn rename(_: &Span, _: &str) {}

/// There are no traces.
#[cfg(not(feature = "otlp"))]
pub(crate) fn outgoing_headers() -> HeaderMap {
    HeaderMap::new()
}
