//! Logs and metrics.

use clap::Args;

use crate::{setting::switch, telemetry::LogFormat};

/// Settings of logs and metrics.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs and metrics")]
pub struct LogSettings {
    /// Serve metrics at /metrics to anyone who can reach the server [default: only in development mode]
    #[arg(long, env, value_name = "true|false", value_parser = switch)]
    pub metrics: Option<bool>,
    /// What to log, like `info` or `tandem=debug`
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info", value_parser = LogFormat::check_filter)]
    pub log: String,
    /// How to log: `pretty`, `json`, or `auto` for pretty on a terminal and JSON elsewhere
    #[arg(long, env, value_name = "auto|pretty|json", default_value = "auto")]
    pub log_format: LogFormat,
}
