//! Failures around a handler, told in the form of the door they happened in: panics, missed deadlines, bodies that can't
//! be read, and connections above the limit.

use std::{any::Any, convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use axum::extract::Request;
use futures::FutureExt;

use super::is_probe;
use crate::{
    error::{Code, Error, Result},
    telemetry::{Limit, limit_hit},
    timer::Timer,
};

/// The answer, or why there is none: a panic, or a missed deadline.
pub(crate) fn guarded<T>(
    timer: &mut Timer,
    deadline: Duration,
    answer: impl Future<Output = Result<T, Infallible>> + Unpin,
) -> impl Future<Output = Result<T>> {
    // A request shares with others only what keeps its own invariants: locks, atomics and the database.
    timer.limit(deadline, AssertUnwindSafe(answer).catch_unwind()).map(|done| match done {
        Some(Ok(Ok(answer))) => Ok(answer),
        Some(Err(panic)) => Err(panic_error(&*panic)),
        None => Err(Error::new(Code::Timeout, "The request took too long")),
    })
}

/// Fails for a request of a connection above the limit, unless it asks for health.
pub(crate) fn check_connection(request: &Request) -> Result<()> {
    if request.extensions().get::<AboveLimit>().is_none() || is_probe(request.uri().path()) {
        return Ok(());
    }
    limit_hit(Limit::Connections);
    Err(Error::new(Code::ServiceUnavailable, "The server has as many connections as it takes, try again later"))
}

/// Marks the requests of connections above the limit. Those for health are served, others are refused.
#[derive(Clone, Copy)]
pub(crate) struct AboveLimit;

fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("of an unknown kind")))
}
