//! What operators see: logs, with one line for each request, metrics and traces.

mod logs;
mod metrics;
mod notes;
mod request;
mod socket;
mod traces;

/// The doors as metrics name them.
pub(crate) const GRAPHQL: &str = "graphql";
pub(crate) const REST: &str = "rest";

pub use self::{
    logs::LogFormat,
    metrics::{Metrics, PoolUsage},
    traces::{Traces, Tracing},
};
pub(crate) use self::{
    metrics::{
        Limit, OpenConnection, Outcome, TokenResult, checked_out, connection_opened, connection_refused, failed,
        jwks_changed, jwks_fetched, limit_hit, nodes_away, pool_used, token_checked, transaction_ended,
    },
    notes::{carried_on, note_operation, note_route, note_user, note_write, noted},
    request::{Observe, REQUEST_ID},
    socket::SocketOrigin,
    traces::{beginning_span, outgoing_headers, trace_span},
};
