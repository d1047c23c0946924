//! Failures around a handler, told in the form of the door they happened in: panics, missed deadlines, and bodies that
//! can't be read.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use axum::{extract::Request, response::Response};
use futures::FutureExt;
use tokio::time::timeout;

use super::{ErrorResponse, body::check_head};
use crate::error::{Code, Error};

/// The answer of `next`, or why there is none.
pub(crate) async fn guarded<F: Future<Output = Response>>(
    request: Request,
    deadline: Duration,
    error_response: ErrorResponse,
    next: impl FnOnce(Request) -> F,
) -> Response {
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

fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("of an unknown kind")))
}
