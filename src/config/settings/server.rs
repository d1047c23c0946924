//! Where the server listens, how long requests may take, and which pages may call it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::http::HeaderValue;
use clap::Args;
use url::Url;

use crate::{
    config::ConnectionLimits,
    setting::{HOUR, List, MILLISECOND, duration, list, number},
};

/// How long a server goes on after it was told to stop, unless in development mode: as long as most balancers need to
/// notice that it isn't ready.
pub(in crate::config) const SHUTDOWN_DELAY: Duration = Duration::from_secs(5);
/// Longer than browsers remember.
const DECADE: Duration = Duration::from_hours(10 * 365 * 24);

/// Settings of the HTTP server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// IP address to listen on
    #[arg(long, env, value_name = "IP", default_value = "127.0.0.1", value_parser = ip)]
    pub host: IpAddr,
    /// Port to listen on; 0 picks a free one
    #[arg(long, env, value_name = "PORT", default_value = "8000", value_parser = number(0..=u16::MAX))]
    pub port: u16,
    /// Maximum time for one request
    #[arg(long, env, value_name = "DURATION", default_value = "15s", value_parser = duration(MILLISECOND..=HOUR))]
    pub request_timeout: Duration,
    /// Bytes of responses that clients have not taken yet, of all requests; beyond it, reads are refused with 503
    #[arg(long, env, value_name = "BYTES", default_value = "268435456", value_parser = number(0..=1_usize << 40))]
    pub response_memory: usize,
    /// The same for each user, who may have one response of any size
    #[arg(long, env, value_name = "BYTES", default_value = "33554432", value_parser = number(0..=1_usize << 40))]
    pub response_memory_per_user: usize,
    /// What clients may keep open, and for how long.
    #[command(flatten)]
    pub connections: ConnectionLimits,
    /// How long the server goes on after SIGTERM or Ctrl-C, no longer ready, so that balancers send nothing new before it
    /// stops taking requests [default: `5s`, or `0s` in development mode]
    #[arg(long, env, value_name = "DURATION", value_parser = duration(Duration::ZERO..=HOUR))]
    pub shutdown_delay: Option<Duration>,
    /// How long requests in flight may go on after that
    #[arg(long, env, value_name = "DURATION", default_value = "10s", value_parser = duration(MILLISECOND..=HOUR))]
    pub shutdown_timeout: Duration,
    /// Origins whose pages may call the API (CORS), separated by commas [default: none, or every page on this machine in
    /// development mode]
    #[arg(long, env, value_name = "ORIGINS", value_parser = list(origin))]
    pub cors_origins: Option<List<HeaderValue>>,
    /// How long browsers reach this host by HTTPS only after they have once (`Strict-Transport-Security`) [default: the
    /// header is not sent]
    #[arg(long, env, value_name = "DURATION", value_parser = duration(Duration::ZERO..=DECADE))]
    pub hsts_max_age: Option<Duration>,
}

impl ServerSettings {
    /// Where to listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

fn ip(text: &str) -> Result<IpAddr, String> {
    text.trim().parse().map_err(|_| format!("must be an IP address like 127.0.0.1 or 0.0.0.0, got `{text}`"))
}

fn origin(text: &str) -> Result<HeaderValue, String> {
    let origin = Url::parse(text).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let is_origin = origin != "null" && origin == text.trim_end_matches('/').to_ascii_lowercase();
    let header = HeaderValue::from_str(&origin).ok().filter(|_| is_origin);
    header.ok_or_else(|| format!("must be origins like https://app.example.com, got `{text}`"))
}
