//! Request bodies.

use std::{error::Error as StdError, io};

use axum::{extract::rejection::BytesRejection, http::StatusCode};

use crate::error::{Code, Error};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The error of a body that is too large, too slow or broke off.
pub(crate) fn unreadable(rejection: &BytesRejection) -> Error {
    match rejection.status() {
        _ if is_timed_out(rejection) => {
            Error::new(Code::BodyTimeout, "The body took longer than it may (BODY_TIMEOUT)")
        }
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(Code::PayloadTooLarge, "The body is larger than the server reads"),
        _ => Error::new(Code::BadUserInput, "The body could not be read"),
    }
}

fn is_timed_out(error: &(dyn StdError + 'static)) -> bool {
    let is_late = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    error.downcast_ref().is_some_and(is_late) || error.source().is_some_and(is_timed_out)
}
