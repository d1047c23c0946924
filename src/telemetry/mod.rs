//! Logs, with a line for each request, metrics and traces.

mod logs;
mod metrics;
mod notes;
mod remote_trace;
mod request;
mod socket;
mod summary;
mod traces;

/// The label `door` in metrics: which API a request came through.
pub(crate) const GRAPHQL: &str = "graphql";
pub(crate) const REST: &str = "rest";

pub use self::{
    logs::LogFormat,
    metrics::{Metrics, PoolUsage},
    traces::{Traces, Tracing},
};
pub(crate) use self::{
    metrics::{
        Limit, OpenConnection, TokenResult, TransactionOutcome, checked_out, connection_opened, connection_refused,
        failed, field_ignored, foreign_row, jwks_changed, jwks_fetched, limit_hit, nodes_away, pool_used,
        token_checked, transaction_ended,
    },
    notes::{in_current_spans, note_operation, note_user, note_write, noted},
    request::{Observe, REQUEST_ID, note_route},
    socket::UpgradeRequest,
    traces::{outgoing_headers, root_span, trace_span},
};
