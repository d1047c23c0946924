//! Trace context out: the header `traceparent` (W3C Trace Context).

use axum::http::HeaderMap;

/// The headers with which another server continues the current trace, or doesn't sample it either.
#[cfg(feature = "otlp")]
pub(crate) fn outgoing_headers() -> HeaderMap {
    use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    use crate::telemetry::{notes::remote_trace, remote_trace::RemoteTrace};

    let mut context = tracing::Span::current().context();
    if !context.span().span_context().is_valid() {
        context = remote_trace().map_or(context, RemoteTrace::into_context);
    }
    let mut headers = HeaderMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut opentelemetry_http::HeaderInjector(&mut headers));
    headers
}

/// None: there are no traces.
#[cfg(not(feature = "otlp"))]
pub(crate) fn outgoing_headers() -> HeaderMap {
    HeaderMap::new()
}
