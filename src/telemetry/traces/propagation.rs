//! Trace context in and out: the header `traceparent` (W3C Trace Context).

use axum::http::HeaderMap;
use tracing::Span;

#[cfg(feature = "otlp")]
use crate::telemetry::notes;

/// The trace that a client names, if it names one.
#[cfg(feature = "otlp")]
#[derive(Clone)]
pub(in crate::telemetry) struct RemoteTrace(opentelemetry::Context);

#[cfg(feature = "otlp")]
impl RemoteTrace {
    pub(in crate::telemetry) fn of(headers: &HeaderMap) -> Self {
        use opentelemetry::propagation::TextMapPropagator;

        // Most clients send none, and looking for one allocates.
        if !headers.contains_key("traceparent") {
            return Self(opentelemetry::Context::new());
        }
        Self(propagator().extract(&opentelemetry_http::HeaderExtractor(headers)))
    }

    /// Whether the client samples it; `None` if it names none.
    pub(super) fn is_sampled(&self) -> Option<bool> {
        use opentelemetry::trace::TraceContextExt;

        let span = self.0.span();
        span.span_context().is_valid().then(|| span.span_context().is_sampled())
    }

    /// The span as a part of it.
    pub(super) fn continued_in(&self, span: Span) -> Span {
        use tracing_opentelemetry::OpenTelemetrySpanExt;

        if !span.is_disabled()
            && let Err(error) = span.set_parent(self.0.clone())
        {
            tracing::debug!(%error, "a trace can't be continued");
        }
        span
    }
}

/// Renames a span that has begun, which a field can't.
#[cfg(feature = "otlp")]
pub(super) fn rename(span: &Span, name: &str) {
    use opentelemetry::trace::TraceContextExt;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    span.context().span().update_name(name.to_owned());
}

/// The headers that let another server continue the current trace, or leave it out as well.
#[cfg(feature = "otlp")]
pub(crate) fn outgoing_headers() -> HeaderMap {
    use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    let mut context = Span::current().context();
    if !context.span().span_context().is_valid()
        && let Some(remote) = notes::remote_trace()
    {
        context = remote.0;
    }
    let mut headers = HeaderMap::new();
    propagator().inject_context(&context, &mut opentelemetry_http::HeaderInjector(&mut headers));
    headers
}

#[cfg(feature = "otlp")]
fn propagator() -> opentelemetry_sdk::propagation::TraceContextPropagator {
    opentelemetry_sdk::propagation::TraceContextPropagator::new()
}

/// There are no traces.
#[cfg(not(feature = "otlp"))]
#[derive(Clone)]
pub(in crate::telemetry) struct RemoteTrace;

#[cfg(not(feature = "otlp"))]
impl RemoteTrace {
    pub(in crate::telemetry) fn of(_: &HeaderMap) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as the other build has it")]
    pub(super) fn is_sampled(&self) -> Option<bool> {
        None
    }

    #[expect(clippy::unused_self, reason = "as the other build has it")]
    pub(super) fn continued_in(&self, span: Span) -> Span {
        span
    }
}

/// There are no traces.
#[cfg(not(feature = "otlp"))]
pub(super) fn rename(_: &Span, _: &str) {}

/// There are no traces.
#[cfg(not(feature = "otlp"))]
pub(crate) fn outgoing_headers() -> HeaderMap {
    HeaderMap::new()
}
