//! Settings of the HTTP server.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::http::HeaderValue;
use clap::Args;
use url::Url;

use crate::{
    config::ConnectionLimits,
    http::guard::{MAX_BODY, SMALL_BODY},
    setting::{HOUR, List, MILLISECOND, duration, list, number, switch},
};

/// The default outside of development mode: as long as most load balancers need to notice that a server isn't ready.
pub(crate) const SHUTDOWN_DELAY: Duration = Duration::from_secs(5);
/// More than browsers accept.
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
    /// Maximum time for a request
    #[arg(long, env, value_name = "DURATION", default_value = "15s", value_parser = duration(MILLISECOND..=HOUR))]
    pub request_timeout: Duration,
    /// Maximum bytes of a request's body
    #[arg(
        long,
        env,
        value_name = "BYTES",
        default_value_t = MAX_BODY,
        value_parser = number(SMALL_BODY..=1_usize << 30)
    )]
    pub max_body: usize,
    /// Maximum bytes of responses that clients have not received yet, and of bodies of more than 64 KiB whose requests are not
    /// answered yet, over all requests; above it, reads and such requests are refused with 503
    #[arg(long, env, value_name = "BYTES", default_value = "268435456", value_parser = number(0..=1_usize << 40))]
    pub response_memory: usize,
    /// The same for each user, who may always have one response of any size
    #[arg(long, env, value_name = "BYTES", default_value = "33554432", value_parser = number(0..=1_usize << 40))]
    pub response_memory_per_user: usize,
    /// Client connections.
    #[command(flatten)]
    pub connections: ConnectionLimits,
    /// How long the server keeps serving after SIGTERM or Ctrl-C while it reports that it is not ready, so that load balancers
    /// stop sending requests before it stops accepting them [default: `5s`, or `0s` in development mode]
    #[arg(long, env, value_name = "DURATION", value_parser = duration(Duration::ZERO..=HOUR))]
    pub shutdown_delay: Option<Duration>,
    /// Maximum time for requests in flight to finish after that
    #[arg(long, env, value_name = "DURATION", default_value = "10s", value_parser = duration(MILLISECOND..=HOUR))]
    pub shutdown_timeout: Duration,
    /// Origins whose pages may call the API (CORS), separated by commas [default: none, or in development mode all pages on
    /// this machine]
    #[arg(long, env, value_name = "ORIGINS", value_parser = list(origin))]
    pub cors_origins: Option<List<HeaderValue>>,
    /// Serve the app at `/app` and lead browsers from `/` there; builds for production don't contain it. Its users sign in with
    /// the session that their browser has at `BETTER_AUTH_URL`, or paste a token [default: only in development mode]
    #[arg(long, env, value_name = "true|false", value_parser = switch)]
    pub app: Option<bool>,
    /// How long browsers remember to use only HTTPS for this host (`Strict-Transport-Security`) [default: the header is not
    /// sent]
    #[arg(long, env, value_name = "DURATION", value_parser = duration(Duration::ZERO..=DECADE))]
    pub hsts_max_age: Option<Duration>,
}

impl ServerSettings {
    /// The address to listen on.
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
