//! Sets up logs and traces.

use std::{io::IsTerminal, str::FromStr};

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt};

use super::traces::{TARGET, Traces, Tracing};

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default)]
pub enum LogFormat {
    /// `Pretty` on a terminal, otherwise `Json`.
    #[default]
    Auto,
    /// For people.
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
    /// Checks that a filter is valid.
    pub(crate) fn check_filter(text: &str) -> Result<String, String> {
        EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
    }

    /// Starts logging to standard error and, if configured, sending traces.
    pub fn start(self, filter: &str, tracing: Option<&Tracing>) -> Result<Traces, String> {
        // The embedded database's engine logs its internals at `info`, tokio-postgres what the database notices. Spans of
        // traces don't belong in the log.
        let quiet = "wasmer=warn,wasmer_wasix=warn,virtual_fs=warn,pglite_oxide=warn,tokio_postgres=warn";
        let filter = EnvFilter::new(format!("{quiet},{filter},{TARGET}=off"));
        let traces = Traces::start(tracing)?;
        let started = match traces.layer() {
            // A global filter is cheaper than a filter per layer.
            None => tracing_subscriber::registry().with(filter).with(self.layer()).try_init(),
            Some(exporter) => {
                tracing_subscriber::registry().with(self.layer().with_filter(filter)).with(exporter).try_init()
            }
        };
        if let Err(error) = started {
            tracing::debug!(%error, "logging has already been started");
        }
        Ok(traces)
    }

    fn layer<S>(self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let is_pretty = match self {
            Self::Auto => std::io::stderr().is_terminal(),
            Self::Pretty => true,
            Self::Json => false,
        };
        let layer = fmt::layer().with_writer(std::io::stderr);
        if is_pretty { layer.compact().boxed() } else { layer.json().flatten_event(true).with_span_list(false).boxed() }
    }
}
