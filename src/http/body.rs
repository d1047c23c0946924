//! Request bodies.

use axum::{extract::rejection::BytesRejection, http::StatusCode};

use crate::error::{Code, Error};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The error of a body that is too large or broke off.
pub(crate) fn unreadable(rejection: &BytesRejection) -> Error {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(Code::PayloadTooLarge, "The body is larger than the server reads"),
        _ => Error::new(Code::BadUserInput, "The body could not be read"),
    }
}
