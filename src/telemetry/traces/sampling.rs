//! Sampling. It is decided before a span is created: OpenTelemetry's own sampler only decides once a span has been built, so
//! that a request that isn't sampled costs half as much as one that is.

use std::num::NonZeroU32;

use governor::{Quota, RateLimiter};
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    filter::dynamic_filter_fn,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::{CONTINUED, ROOT, TARGET, Tracing};
use crate::telemetry::notes;

/// Enables a fraction of new traces, those that clients force, and all spans inside of enabled ones.
pub(super) fn filter<S>(tracing: &Tracing) -> impl Filter<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let sampler = Sampler::TraceIdRatioBased(tracing.sampling);
    let forced = NonZeroU32::new(tracing.traceparent_limit).map(|limit| RateLimiter::direct(Quota::per_second(limit)));
    let is_enabled = move |metadata: &Metadata<'_>, context: &Context<'_, S>| {
        // The context has only the spans that the filter enabled, and not those of the log.
        let is_inside = || context.lookup_current().is_some();
        match metadata.target() {
            TARGET => is_inside(),
            // Inside of a request that isn't sampled, nothing else is.
            ROOT => is_inside() || !notes::is_in_request() && is_drawn(&sampler),
            // A trace costs as much as several requests, so clients can't force any number of them.
            CONTINUED => forced.as_ref().is_some_and(|limiter| limiter.check().is_ok()) || is_drawn(&sampler),
            _ => false,
        }
    };
    let interest = |metadata: &'static Metadata<'static>| {
        if metadata.target().starts_with(TARGET) { Interest::sometimes() } else { Interest::never() }
    };
    dynamic_filter_fn(is_enabled).with_callsite_filter(interest).with_max_level_hint(LevelFilter::DEBUG)
}

/// Draws with a random id, since the trace doesn't have one yet.
fn is_drawn(sampler: &Sampler) -> bool {
    let id = RandomIdGenerator::default().new_trace_id();
    let drawn = sampler.should_sample(None, id, "", &SpanKind::Server, &[], &[]);
    drawn.decision == SamplingDecision::RecordAndSample
}
