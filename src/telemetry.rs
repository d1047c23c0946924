//! Logs: pretty on a terminal, JSON elsewhere, one line for each request with its id.

use std::{io::IsTerminal, str::FromStr, time::Duration};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, Response},
};
use tower_http::request_id::RequestId;
use tracing::{Span, field, info, info_span};
use tracing_subscriber::EnvFilter;

/// The header a request's id comes in and goes out with.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How log lines look.
#[derive(Clone, Copy, Debug, Default)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// For machines: one object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "auto" => Ok(Self::Auto),
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("must be auto, pretty or json"),
        }
    }
}

impl LogFormat {
    /// The filter, if it can be understood.
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
        // The embedded database's engine reports its own housekeeping at info.
        let filter =
            EnvFilter::new(format!("wasmer=warn,wasmer_wasix=warn,virtual_fs=warn,pglite_oxide=warn,{filter}"));
        let logger = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let started = if is_pretty {
            logger.compact().try_init()
        } else {
            logger.json().flatten_event(true).with_span_list(false).try_init()
        };
        if let Err(error) = started {
            tracing::debug!(%error, "logging was started before");
        }
    }
}

/// The span of a request. Its path is the route's, not the one asked for, which may hold a user id.
pub(crate) fn request_span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    info_span!("request", id, method = %request.method(), route, status = field::Empty)
}

/// The line a request leaves behind.
pub(crate) fn log_response<B>(response: &Response<B>, latency: Duration, _: &Span) {
    info!(status = response.status().as_u16(), ms = latency.as_secs_f64() * 1000.0, "answered");
}
