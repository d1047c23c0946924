//! Failures around a handler: panics, missed deadlines, and connections above the limit. The router renders them in the
//! format of the API they happened in.

use std::{any::Any, convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use axum::extract::Request;
use futures::FutureExt;

use super::is_probe;
use crate::{
    error::{Code, Error, Result},
    telemetry::{Limit, limit_hit},
    timer::Timer,
};

/// The response; an error if the handler panicked or missed its deadline.
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

/// Fails for a request on a connection above the limit, unless it is a health check.
pub(crate) fn check_connection(request: &Request) -> Result<()> {
    if request.extensions().get::<AboveLimit>().is_none() || is_probe(request.uri().path()) {
        return Ok(());
    }
    limit_hit(Limit::Connections);
    Err(Error::new(Code::ServiceUnavailable, "The server has as many connections as it takes, try again later"))
}

/// Marks requests on connections above the limit: health checks are served, everything else is refused.
#[derive(Clone, Copy)]
pub(crate) struct AboveLimit;

fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("of an unknown kind")))
}
