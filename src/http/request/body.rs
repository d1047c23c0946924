//! Request bodies.

use std::{error::Error as StdError, io};

use axum::{
    body::{Bytes, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderValue, header},
};
use http_body_util::LengthLimitError;

use crate::{
    error::{Code, Error, Result},
    telemetry::{self, Limit},
};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// Reads a body. An error says that it is too large, too slow or broke off.
pub(crate) async fn read_body(request: Request) -> Result<Bytes> {
    to_bytes(request.into_body(), MAX_BODY).await.map_err(|error| unreadable(&error))
}

/// Whether the head of a request is unambiguous, and allows for a body that can be read.
pub(crate) fn check_head(request: &Request) -> Result<()> {
    if request.headers().get_all(header::HOST).into_iter().nth(1).is_some() {
        return Err(Error::new(Code::BadUserInput, "Send one Host header"));
    }
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let is_identity = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if request.headers().get_all(header::CONTENT_ENCODING).iter().all(is_identity) {
        return Ok(());
    }
    Err(Error::new(Code::UnsupportedMediaType, "Send the body without Content-Encoding"))
}

fn too_large() -> Error {
    telemetry::limit_hit(Limit::Body);
    Error::new(Code::PayloadTooLarge, "The body is larger than the server reads")
}

fn unreadable(error: &axum::Error) -> Error {
    if is_timed_out(error) {
        return Error::new(Code::BodyTimeout, "The body took longer than it may (BODY_TIMEOUT)");
    }
    if error.source().is_some_and(<dyn StdError>::is::<LengthLimitError>) {
        return too_large();
    }
    Error::new(Code::BadUserInput, "The body could not be read")
}

fn is_timed_out(error: &(dyn StdError + 'static)) -> bool {
    let is_late = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    error.downcast_ref().is_some_and(is_late) || error.source().is_some_and(is_timed_out)
}
