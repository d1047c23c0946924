//! Metrics for Prometheus. Nothing is recorded unless [`Metrics::collect`] was called.
//!
//! Handles are registered once and kept, so that recording only updates a number in memory. Every label has a bounded set of
//! values, none of which a client can choose.

mod connections;
mod errors;
mod family;
mod fields;
mod keys;
mod limits;
mod pool;
mod requests;
mod tokens;
mod transactions;

use std::{sync::OnceLock, time::Duration};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::interval;

use self::{
    connections::Connections, errors::Errors, limits::Limits, requests::Requests, tokens::Tokens,
    transactions::Transactions,
};
pub(crate) use self::{
    connections::{OpenConnection, connection_opened, connection_refused},
    errors::failed,
    fields::field_ignored,
    keys::{jwks_changed, jwks_fetched},
    limits::{Limit, limit_hit},
    pool::{nodes_away, pool_used},
    requests::{count_graphql, count_request},
    tokens::{TokenResult, token_checked},
    transactions::{TransactionOutcome, checked_out, foreign_row, transaction_ended},
};
pub use pool::PoolUsage;

/// Upper bounds of the histograms, in seconds: from a read in an idle database to the longest request.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];
/// How often the values of histograms are aggregated; until then each takes memory.
const UPKEEP: Duration = Duration::from_secs(5);

const BUILD_INFO: &str = "tandem_build_info";

/// Unset unless metrics are collected.
static RECORDER: OnceLock<Recorder> = OnceLock::new();

/// All handles.
struct Recorder {
    requests: Requests,
    errors: Errors,
    transactions: Transactions,
    tokens: Tokens,
    limits: Limits,
    connections: Connections,
}

fn recorder() -> Option<&'static Recorder> {
    RECORDER.get()
}

/// The metrics of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Starts collecting. Call it once per process.
    pub fn collect() -> Result<Self, BuildError> {
        let durations = Matcher::Suffix("_seconds".to_owned());
        let handle = PrometheusBuilder::new().set_buckets_for_metric(durations, &BUCKETS)?.install_recorder()?;
        describe();
        RECORDER.get_or_init(|| Recorder {
            requests: Requests::default(),
            errors: Errors::default(),
            transactions: Transactions::register(),
            tokens: Tokens::register(),
            limits: Limits::register(),
            connections: Connections::register(),
        });
        let revision = option_env!("TANDEM_REVISION").unwrap_or("unknown");
        gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION"), "revision" => revision).set(1);
        Ok(Self(handle))
    }

    /// In Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Aggregates histograms at intervals, while polled.
    pub async fn keep_compact(&self) {
        let mut ticks = interval(UPKEEP);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }
}

fn describe() {
    describe_gauge!(BUILD_INFO, "Always 1; the labels have the version");
    describe_counter!(requests::REQUESTS, Unit::Count, "Requests by door, operation and status");
    describe_histogram!(requests::DURATION, Unit::Seconds, "Time from a request's head to its response's head");
    describe_counter!(errors::ERRORS, Unit::Count, "Errors sent to clients, by door and code");
    describe_counter!(fields::IGNORED, Unit::Count, "Fields of request bodies that nothing read, by name");
    describe_histogram!(
        transactions::DURATION,
        Unit::Seconds,
        "Duration of a transaction in the database, by statement"
    );
    describe_counter!(transactions::OUTCOMES, Unit::Count, "Transactions by outcome");
    describe_histogram!(transactions::CHECKOUT, Unit::Seconds, "Time that transactions waited for a connection");
    describe_counter!(
        transactions::FOREIGN_ROWS,
        Unit::Count,
        "Answers withheld because of another user's row in them"
    );
    describe_gauge!(pool::MAX, Unit::Count, "Maximum number of database connections");
    describe_gauge!(pool::CONNECTIONS, Unit::Count, "Database connections by state: idle or in_use");
    describe_gauge!(pool::WAITING, Unit::Count, "Transactions waiting for a database connection");
    describe_gauge!(pool::NODES_AWAY, Unit::Count, "Nodes of a distributed database that don't respond");
    describe_counter!(limits::LIMITS_HIT, Unit::Count, "Requests and connections that hit a limit");
    describe_gauge!(connections::OPEN, Unit::Count, "Open client connections");
    describe_counter!(
        connections::REFUSED,
        Unit::Count,
        "Client connections closed without a response: there were too many"
    );
    describe_counter!(tokens::TOKENS, Unit::Count, "Tokens by result: cached, verified or refused");
    describe_counter!(keys::FETCHES, Unit::Count, "Fetches of a key set by result: ok or error");
    describe_counter!(keys::CHANGES, Unit::Count, "Keys added to or removed from a key set");
    describe_gauge!(keys::KEYS, Unit::Count, "Known keys of a key set");
    describe_gauge!(keys::FETCHED_AT, Unit::Seconds, "When a key set was last fetched, as Unix time");
}
