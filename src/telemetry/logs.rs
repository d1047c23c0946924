//! Where logs and traces go, and in which format.

use std::{io::IsTerminal, str::FromStr};

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt};

use super::traces::{TARGET, Traces, Tracing};

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

    /// Logs to standard error from now on, and sends traces if they are wanted.
    pub fn start(self, filter: &str, tracing: Option<&Tracing>) -> Result<Traces, String> {
        // The embedded database's engine logs its own details at info. Spans of traces are no part of the log.
        let filter = format!("wasmer=warn,wasmer_wasix=warn,virtual_fs=warn,pglite_oxide=warn,{filter},{TARGET}=off");
        let filter = EnvFilter::new(filter);
        let traces = Traces::start(tracing)?;
        let started = match traces.layer() {
            // Where nobody traces, a filter for everything is cheaper than one for each layer.
            None => tracing_subscriber::registry().with(filter).with(self.layer()).try_init(),
            Some(exporter) => {
                tracing_subscriber::registry().with(self.layer().with_filter(filter)).with(exporter).try_init()
            }
        };
        if let Err(error) = started {
            tracing::debug!(%error, "logging is already started");
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
