//! Responses that stay open: WebSockets and event streams. How many a user and the server may have, for how long, and what
//! ends one. Both APIs build on this; it knows neither of them, nor what is streamed.

mod connection;
mod ended;
mod event_stream;
mod lifetime;
mod limits;
mod metrics;
mod permits;

pub use self::{
    connection::{Connection, Stopping},
    limits::StreamLimits,
    permits::Streams,
};
pub(crate) use self::{
    ended::Ended,
    event_stream::{EventStream, retry_soon},
    lifetime::Lifetime,
    metrics::describe as describe_metrics,
    permits::{Outlet, StreamPermit},
};
