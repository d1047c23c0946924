//! The trace that a client's `traceparent` names (W3C Trace Context). Without the feature `otlp` there is none.

use axum::http::HeaderMap;
use tracing::Span;

/// A client's trace; may be empty.
#[cfg(feature = "otlp")]
#[derive(Clone)]
pub(super) struct RemoteTrace(opentelemetry::Context);

#[cfg(feature = "otlp")]
impl RemoteTrace {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        use opentelemetry::propagation::TextMapPropagator;

        // Most clients send none, and the propagator would allocate to find out.
        if !headers.contains_key("traceparent") {
            return Self(opentelemetry::Context::new());
        }
        let propagator = opentelemetry_sdk::propagation::TraceContextPropagator::new();
        Self(propagator.extract(&opentelemetry_http::HeaderExtractor(headers)))
    }

    /// The client's sampling decision; `None` if it names no trace.
    pub(super) fn is_sampled(&self) -> Option<bool> {
        use opentelemetry::trace::TraceContextExt;

        let span = self.0.span();
        span.span_context().is_valid().then(|| span.span_context().is_sampled())
    }

    /// Makes a span a child of this trace.
    pub(super) fn adopt(&self, span: Span) -> Span {
        use tracing_opentelemetry::OpenTelemetrySpanExt;

        if !span.is_disabled()
            && let Err(error) = span.set_parent(self.0.clone())
        {
            tracing::debug!(%error, "can't continue a trace");
        }
        span
    }

    pub(super) fn into_context(self) -> opentelemetry::Context {
        self.0
    }
}

/// A client's trace, which is ignored.
#[cfg(not(feature = "otlp"))]
#[derive(Clone)]
pub(super) struct RemoteTrace;

#[cfg(not(feature = "otlp"))]
impl RemoteTrace {
    pub(super) fn of(_: &HeaderMap) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as with the feature `otlp`")]
    pub(super) fn is_sampled(&self) -> Option<bool> {
        None
    }

    #[expect(clippy::unused_self, reason = "as with the feature `otlp`")]
    pub(super) fn adopt(&self, span: Span) -> Span {
        span
    }
}
