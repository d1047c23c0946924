//! Failures around a handler, told in the form of the door they happened in: panics, missed deadlines, bodies that can't
//! be read, and connections above the limit.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::Request,
    http::header,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use tokio::time::timeout;

use super::{ErrorResponse, RETRY_SOON, body::check_head, is_probe};
use crate::{
    error::{Code, Error},
    telemetry::{Limit, limit_hit},
};

/// The answer of `next`, or why there is none.
pub(crate) async fn guarded<F: Future<Output = Response>>(
    request: Request,
    deadline: Duration,
    error_response: ErrorResponse,
    next: impl FnOnce(Request) -> F,
) -> Response {
    if is_refused(&request) {
        limit_hit(Limit::Connections);
        let refused = error_response(request.uri().path(), too_many_connections());
        return ([(header::RETRY_AFTER, RETRY_SOON)], refused).into_response();
    }
    if let Err(error) = check_head(&request) {
        return error_response(request.uri().path(), error);
    }
    let uri = request.uri().clone();
    // A request shares with others only what keeps its own invariants: locks, atomics and the database.
    let error = match timeout(deadline, AssertUnwindSafe(next(request)).catch_unwind()).await {
        Ok(Ok(response)) => return response,
        Ok(Err(panic)) => panic_error(&*panic),
        Err(_) => Error::new(Code::Timeout, "The request took too long"),
    };
    error_response(uri.path(), error)
}

/// Marks the requests of connections above the limit. Those for health are served, others are refused.
#[derive(Clone, Copy)]
pub(crate) struct AboveLimit;

fn is_refused(request: &Request) -> bool {
    request.extensions().get::<AboveLimit>().is_some() && !is_probe(request.uri().path())
}

fn too_many_connections() -> Error {
    Error::new(Code::ServiceUnavailable, "The server has as many connections as it takes, try again later")
}

fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("of an unknown kind")))
}
