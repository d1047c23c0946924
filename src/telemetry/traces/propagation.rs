//! Trace context in and out: the header `traceparent` (W3C Trace Context).

use axum::http::HeaderMap;
use tracing::Span;

/// The trace that a client names, if it names one.
#[cfg(feature = "otlp")]
pub(in crate::telemetry) struct RemoteTrace(opentelemetry::Context);

#[cfg(feature = "otlp")]
impl RemoteTrace {
    pub(in crate::telemetry) fn of(headers: &HeaderMap) -> Self {
        use opentelemetry::propagation::TextMapPropagator;

        Self(propagator().extract(&opentelemetry_http::HeaderExtractor(headers)))
    }

    /// Makes a span part of it.
    pub(super) fn continue_in(&self, span: &Span) {
        use tracing_opentelemetry::OpenTelemetrySpanExt;

        if let Err(error) = span.set_parent(self.0.clone()) {
            tracing::debug!(%error, "a trace can't be continued");
        }
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
pub(in crate::telemetry) struct RemoteTrace;

#[cfg(not(feature = "otlp"))]
impl RemoteTrace {
    pub(in crate::telemetry) fn of(_: &HeaderMap) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as the other build has it")]
    pub(super) fn continue_in(&self, _: &Span) {}
}

/// There are no traces.
#[cfg(not(feature = "otlp"))]
pub(super) fn rename(_: &Span, _: &str) {}

/// There are no traces.
#[cfg(not(feature = "otlp"))]
pub(crate) fn outgoing_headers() -> HeaderMap {
    HeaderMap::new()
}
