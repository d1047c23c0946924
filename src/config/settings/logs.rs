//! Settings of logs, metrics and traces.

use std::net::SocketAddr;

use clap::Args;

use url::Url;

use crate::{
    config::ConfigErrors,
    setting::number,
    telemetry::{LogFormat, Traces, Tracing},
};

/// Settings of logs, metrics and traces.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs, metrics and traces")]
pub struct LogSettings {
    /// IP address and port to serve /metrics on, like `127.0.0.1:9090`, to anyone who can reach it. The probes are served there
    /// too, however many clients are connected [default: no metrics, or on the main port in development mode]
    #[arg(long, env, value_name = "IP:PORT", value_parser = socket)]
    pub metrics_listen: Option<SocketAddr>,
    /// Log filter, like `info` or `tandem=debug`
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info", value_parser = LogFormat::check_filter)]
    pub log: String,
    /// Log format: `pretty`, `json`, or `auto`, which is pretty on a terminal and JSON otherwise
    #[arg(long, env, value_name = "auto|pretty|json", default_value = "auto")]
    pub log_format: LogFormat,
    /// OpenTelemetry collector to send traces to over HTTP, like `http://127.0.0.1:4318`; only in builds with the feature
    /// `otlp` [default: no traces]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", value_parser = collector)]
    pub otlp_endpoint: Option<Url>,
    /// Fraction of requests that are traced, from 0 to 1; the sampled flag of a `traceparent` header takes precedence
    #[arg(long, env, value_name = "RATIO", default_value = "0.1", value_parser = ratio)]
    pub trace_sampling: f64,
    /// Maximum number of traces per second that clients can force with the sampled flag of `traceparent`; further requests are
    /// sampled like those without the header
    #[arg(long, env, value_name = "NUMBER", default_value = "100", value_parser = number(0..=1_000_000_u32))]
    pub traceparent_limit: u32,
}

impl LogSettings {
    pub(crate) fn check(&self, errors: &mut ConfigErrors) {
        if self.otlp_endpoint.is_some() && !cfg!(feature = "otlp") {
            let reason = "this build sends no traces. Build with `--features otlp`";
            errors.push("OTEL_EXPORTER_OTLP_ENDPOINT", reason);
        }
    }

    /// Starts logging and, if configured, sending traces.
    pub fn start(&self) -> Result<Traces, String> {
        let tracing = self.otlp_endpoint.clone().map(|endpoint| Tracing {
            endpoint,
            sampling: self.trace_sampling,
            traceparent_limit: self.traceparent_limit,
        });
        self.log_format.start(&self.log, tracing.as_ref())
    }
}

fn collector(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| format!("must be a URL like http://127.0.0.1:4318, got `{text}`"))
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.trim().parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| format!("must be a number from 0 to 1, got `{text}`"))
}

fn socket(text: &str) -> Result<SocketAddr, String> {
    text.trim().parse().map_err(|_| format!("must be an IP address and a port like 127.0.0.1:9090, got `{text}`"))
}
