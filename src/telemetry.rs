//! Logs, with one line for each request, and metrics.

use std::{
    io::IsTerminal,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, Response},
};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tower_http::request_id::RequestId;
use tracing::{Span, field, info, info_span};
use tracing_subscriber::EnvFilter;

/// The header of a request's id, in requests and responses.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// Readable.
    Pretty,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "auto" => Ok(Self::Auto),
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(format!("must be auto, pretty or json, got `{word}`")),
        }
    }
}

impl LogFormat {
    /// The filter, if it is valid.
    pub(crate) fn check_filter(text: &str) -> Result<String, String> {
        EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
    }

    /// Logs to standard error from now on.
    pub fn start(self, filter: &str) {
        let is_pretty = match self {
            Self::Auto => std::io::stderr().is_terminal(),
            Self::Pretty => true,
            Self::Json => false,
        };
        // The embedded database's engine logs its own details at info.
        let filter =
            EnvFilter::new(format!("wasmer=warn,wasmer_wasix=warn,virtual_fs=warn,pglite_oxide=warn,{filter}"));
        let logger = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let started = if is_pretty {
            logger.compact().try_init()
        } else {
            logger.json().flatten_event(true).with_span_list(false).try_init()
        };
        if let Err(error) = started {
            tracing::debug!(%error, "logging is already started");
        }
    }
}

/// The span of a request.
pub(crate) fn request_span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    info_span!("request", id, method = %request.method(), route = field::Empty, status = field::Empty)
}

/// Adds the route to the request's span. Not the path, which may contain a user id.
pub(crate) fn note_route(request: Request) -> Request {
    if let Some(path) = request.extensions().get::<MatchedPath>() {
        Span::current().record("route", path.as_str());
    }
    request
}

/// Logs one line for each request.
pub(crate) fn log_response<B>(response: &Response<B>, latency: Duration, _: &Span) {
    info!(status = response.status().as_u16(), ms = latency.as_secs_f64() * 1000.0, "answered");
}

/// Starts collecting metrics. Call it once per process.
pub fn collect_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    describe_gauge!(CONNECTIONS, Unit::Count, "Open connections of clients");
    describe_counter!(CONNECTIONS_REFUSED, Unit::Count, "Connections closed unheard: more than the server takes");
    crate::streams::describe_metrics();
    describe_counter!(TOKENS, Unit::Count, "Tokens by result: cached, verified or refused");
    describe_counter!(FETCHES, Unit::Count, "Fetches of a key set by result: ok or error");
    describe_counter!(CHANGES, Unit::Count, "Keys that were added to or removed from a key set");
    describe_gauge!(KEYS, Unit::Count, "Keys known of a key set");
    describe_gauge!(FETCHED_AT, Unit::Seconds, "When a key set was last fetched, in Unix time");
    Ok(handle)
}

const CONNECTIONS: &str = "tandem_connections";
const CONNECTIONS_REFUSED: &str = "tandem_connections_refused_total";
const TOKENS: &str = "tandem_tokens_total";
const FETCHES: &str = "tandem_jwks_fetches_total";
const CHANGES: &str = "tandem_jwks_key_changes_total";
const KEYS: &str = "tandem_jwks_keys";
const FETCHED_AT: &str = "tandem_jwks_fetched_timestamp_seconds";

/// A connection that is counted until it is dropped.
pub(crate) struct OpenConnection;

/// Counts a connection for as long as the value lives.
pub(crate) fn connection_opened() -> OpenConnection {
    gauge!(CONNECTIONS).increment(1);
    OpenConnection
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1);
    }
}

/// Counts a connection that was closed unheard.
pub(crate) fn connection_refused() {
    counter!(CONNECTIONS_REFUSED).increment(1);
}

/// Counts a token by its result.
pub(crate) fn token_checked(result: &'static str) {
    counter!(TOKENS, "result" => result).increment(1);
}

/// Counts a fetch of a key set.
pub(crate) fn jwks_fetched(url: &str, is_ok: bool) {
    let result = if is_ok { "ok" } else { "error" };
    counter!(FETCHES, "url" => url.to_owned(), "result" => result).increment(1);
    if is_ok {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge!(FETCHED_AT, "url" => url.to_owned()).set(now.as_secs_f64());
    }
}

/// Records the size of a key set, and the keys added and removed.
pub(crate) fn jwks_changed(url: &str, count: usize, added: usize, removed: usize) {
    let url = || url.to_owned();
    gauge!(KEYS, "url" => url()).set(u32::try_from(count).unwrap_or(u32::MAX));
    counter!(CHANGES, "url" => url(), "change" => "added").increment(added as u64);
    counter!(CHANGES, "url" => url(), "change" => "removed").increment(removed as u64);
}
