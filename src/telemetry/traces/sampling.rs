//! Which spans there are. It is decided before a span is made, since OpenTelemetry's own sampler decides when a span has
//! been built, and so costs a request that isn't sampled half as much as one that is.

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    filter::dynamic_filter_fn,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::{BEGINNING, CONTINUED, TARGET};
use crate::telemetry::notes;

/// Lets through this part of the traces that begin here, and all spans of traces that are let through.
pub(super) fn filter<S>(ratio: f64) -> impl Filter<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let sampler = Sampler::TraceIdRatioBased(ratio);
    let is_enabled = move |metadata: &Metadata<'_>, context: &Context<'_, S>| {
        // The filter hides the spans that it doesn't let through, those of the log among them.
        let is_inside = || context.lookup_current().is_some();
        match metadata.target() {
            TARGET => is_inside(),
            // What belongs to a request that isn't sampled isn't either.
            BEGINNING => is_inside() || !notes::is_in_request() && is_drawn(&sampler),
            CONTINUED => true,
            _ => false,
        }
    };
    let interest = |metadata: &'static Metadata<'static>| {
        if metadata.target().starts_with(TARGET) { Interest::sometimes() } else { Interest::never() }
    };
    dynamic_filter_fn(is_enabled).with_callsite_filter(interest).with_max_level_hint(LevelFilter::DEBUG)
}

/// The trace has no id yet, so it is drawn with another one.
fn is_drawn(sampler: &Sampler) -> bool {
    let id = RandomIdGenerator::default().new_trace_id();
    let drawn = sampler.should_sample(None, id, "", &SpanKind::Server, &[], &[]);
    drawn.decision == SamplingDecision::RecordAndSample
}
