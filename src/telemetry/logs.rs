//! Where logs go, and in which format.

use std::{io::IsTerminal, str::FromStr};

use tracing_subscriber::EnvFilter;

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
