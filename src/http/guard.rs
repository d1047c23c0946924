//! Failures around a handler, told in the form of the door they happened in: panics, missed deadlines, and bodies that
//! can't be read.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;

use super::body::check_head;
use crate::error::{Code, Error};

/// Routes whose failures are answered by `error_response`.
pub(crate) fn guarded<S>(routes: Router<S>, deadline: Duration, error_response: fn(Error) -> Response) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let within = move |request: Request, next: Next| async move {
        if let Err(error) = check_head(&request) {
            return error_response(error);
        }
        let late = |_| error_response(Error::new(Code::Timeout, "The request took too long"));
        timeout(deadline, next.run(request)).await.unwrap_or_else(late)
    };
    routes.layer(from_fn(within)).layer(CatchPanicLayer::custom(move |panic| error_response(panic_error(panic))))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panic_error(panic: Box<dyn Any + Send + 'static>) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", text.unwrap_or("of an unknown kind")))
}
