//! Logs and metrics.

use std::net::SocketAddr;

use clap::Args;

use crate::telemetry::LogFormat;

/// Settings of logs and metrics.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs and metrics")]
pub struct LogSettings {
    /// IP address and port to serve /metrics on, like `127.0.0.1:9090`, to anyone who can reach it [default: no metrics, or
    /// on the main port in development mode]
    #[arg(long, env, value_name = "IP:PORT", value_parser = socket)]
    pub metrics_listen: Option<SocketAddr>,
    /// What to log, like `info` or `tandem=debug`
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info", value_parser = LogFormat::check_filter)]
    pub log: String,
    /// How to log: `pretty`, `json`, or `auto` for pretty on a terminal and JSON elsewhere
    #[arg(long, env, value_name = "auto|pretty|json", default_value = "auto")]
    pub log_format: LogFormat,
}

fn socket(text: &str) -> Result<SocketAddr, String> {
    text.trim().parse().map_err(|_| format!("must be an IP address and a port like 127.0.0.1:9090, got `{text}`"))
}
