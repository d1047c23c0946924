//! Sends traces: with the feature `otlp`, a background thread exports spans; without it, nothing happens.

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

    /// The exporter of traces, if there is one.
    #[derive(Debug)]
    pub struct Traces(Option<Exporter>);

    #[derive(Debug)]
    struct Exporter {
        provider: SdkTracerProvider,
        tracing: Tracing,
    }

    impl Traces {
        /// Starts sending spans in the background.
        pub(crate) fn start(tracing: Option<&Tracing>) -> Result<Self, String> {
            let Some(tracing) = tracing else { return Ok(Self(None)) };
            let provider = provider(tracing).map_err(|error| error.to_string())?;
            Ok(Self(Some(Exporter { provider, tracing: tracing.clone() })))
        }

        /// Converts spans to OpenTelemetry's.
        pub(crate) fn layer<S>(&self) -> Option<Box<dyn Layer<S> + Send + Sync>>
        where
            S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
        {
            let Exporter { provider, tracing } = self.0.as_ref()?;
            // Threads and source locations say nothing about a request.
            let layer = tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("tandem"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_level(false)
                .with_tracked_inactivity(false);
            Some(layer.with_filter(sampling::filter(tracing)).boxed())
        }

        /// Sends the remaining spans.
        pub async fn finish(self) {
            let Some(Exporter { provider, .. }) = self.0 else { return };
            let finished = tokio::task::spawn_blocking(move || provider.shutdown()).await;
            if !matches!(finished, Ok(Ok(()))) {
                tracing::warn!(?finished, "lost the last traces");
            }
        }
    }

    /// With JSON, no protobuf types are needed, and every collector reads it.
    fn provider(tracing: &Tracing) -> Result<SdkTracerProvider, ExporterBuildError> {
        let endpoint = format!("{}/v1/traces", tracing.endpoint.as_str().trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpJson).with_endpoint(endpoint);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter.build()?)
            // Spans exist only for what is sampled.
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

    /// This build doesn't send traces.
    #[derive(Debug)]
    pub struct Traces;

    impl Traces {
        #[expect(clippy::unnecessary_wraps, reason = "as with the feature `otlp`")]
        pub(crate) fn start(_: Option<&Tracing>) -> Result<Self, String> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, reason = "as with the feature `otlp`")]
        pub(crate) fn layer<S: Subscriber>(&self) -> Option<Box<dyn Layer<S> + Send + Sync>> {
            None
        }

        /// Does nothing.
        #[expect(clippy::unused_async, reason = "as with the feature `otlp`")]
        pub async fn finish(self) {}
    }
}
