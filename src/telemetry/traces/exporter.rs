//! What sends traces: in builds with the feature `otlp` a thread that exports spans, in others nothing.

#[cfg(feature = "otlp")]
pub use self::otlp::Traces;
#[cfg(not(feature = "otlp"))]
pub use self::without::Traces;

#[cfg(feature = "otlp")]
mod otlp {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig};
    use opentelemetry_sdk::{
        Resource,
        trace::{Sampler, SdkTracerProvider},
    };
    use tracing::Subscriber;
    use tracing_subscriber::{Layer, registry::LookupSpan};

    use super::super::{Tracing, sampling};

    /// The traces of this process, if any are sent.
    #[derive(Debug)]
    pub struct Traces(Option<Sent>);

    #[derive(Debug)]
    struct Sent {
        provider: SdkTracerProvider,
        sampling: f64,
    }

    impl Traces {
        /// Sends spans in the background.
        pub(in crate::telemetry) fn start(tracing: Option<&Tracing>) -> Result<Self, String> {
            let Some(tracing) = tracing else { return Ok(Self(None)) };
            let provider = provider(tracing).map_err(|error| error.to_string())?;
            Ok(Self(Some(Sent { provider, sampling: tracing.sampling })))
        }

        /// Turns spans into those of OpenTelemetry.
        pub(in crate::telemetry) fn layer<S>(&self) -> Option<Box<dyn Layer<S> + Send + Sync>>
        where
            S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
        {
            let Sent { provider, sampling } = self.0.as_ref()?;
            // Threads and lines of code say nothing about a request.
            let layer = tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("tandem"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_level(false)
                .with_tracked_inactivity(false);
            Some(layer.with_filter(sampling::filter(*sampling)).boxed())
        }

        /// Sends what is left.
        pub async fn finish(self) {
            let Some(Sent { provider, .. }) = self.0 else { return };
            let finished = tokio::task::spawn_blocking(move || provider.shutdown()).await;
            if !matches!(finished, Ok(Ok(()))) {
                tracing::warn!(?finished, "the last traces are lost");
            }
        }
    }

    /// JSON needs no second form of each message, and every collector reads it.
    fn provider(tracing: &Tracing) -> Result<SdkTracerProvider, ExporterBuildError> {
        let endpoint = format!("{}/v1/traces", tracing.endpoint.as_str().trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpJson).with_endpoint(endpoint);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter.build()?)
            // What isn't sampled has no spans.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(Resource::builder().with_service_name("tandem").build());
        Ok(provider.build())
    }
}

#[cfg(not(feature = "otlp"))]
mod without {
    use tracing::Subscriber;
    use tracing_subscriber::Layer;

    use crate::telemetry::Tracing;

    /// No traces are sent by this build.
    #[derive(Debug)]
    pub struct Traces;

    impl Traces {
        #[expect(clippy::unnecessary_wraps, reason = "the other build's exporter can fail")]
        pub(in crate::telemetry) fn start(_: Option<&Tracing>) -> Result<Self, String> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, reason = "as the other build has it")]
        pub(in crate::telemetry) fn layer<S: Subscriber>(&self) -> Option<Box<dyn Layer<S> + Send + Sync>> {
            None
        }

        /// Nothing is left to send.
        #[expect(clippy::unused_async, reason = "the other build waits for its exporter")]
        pub async fn finish(self) {}
    }
}
