//! Request bodies. None is read before its token is verified, and what is large is counted until its request is answered.

use std::{
    error::Error as StdError,
    io,
    sync::{Arc, OnceLock},
};

use axum::{
    body::{Bytes, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderValue, header},
};
use http_body_util::LengthLimitError;

use super::{Held, Outgoing};
use crate::{
    error::{Code, Error, Result},
    telemetry::{self, Limit},
};

/// How many bytes any request may have, whoever sends it: what a client may send ahead, and what is counted nowhere.
pub const SMALL_BODY: usize = 64 * 1024;

/// The default of `MAX_BODY`: in UTF-8, 50 pushed changes fit in, however long their texts, and 100 mostly.
pub const MAX_BODY: usize = 1024 * 1024;

/// Reads bodies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bodies {
    max: usize,
    in_flight: Outgoing,
}

/// Where the bytes of a body that may be large are counted. It is kept until the request is answered, because what is made of
/// them takes memory as well.
#[derive(Clone, Default)]
pub(crate) struct LargeBody(Arc<OnceLock<Held>>);

/// `None` if the body is small.
pub(crate) fn expect_large(request: &mut Request) -> Option<LargeBody> {
    if request.body().size_hint().upper().is_some_and(|length| length <= SMALL_BODY as u64) {
        return None;
    }
    let large = LargeBody::default();
    request.extensions_mut().insert(large.clone());
    Some(large)
}

impl Bodies {
    /// Up to this many bytes, which are counted with those of responses if there are more than [`SMALL_BODY`].
    #[must_use]
    pub fn new(max: usize, in_flight: Outgoing) -> Self {
        Self { max, in_flight }
    }

    /// Whether the head of a request is unambiguous, and allows for a body that can be read.
    pub(crate) fn check_head(&self, request: &Request) -> Result<()> {
        if request.headers().get_all(header::HOST).into_iter().nth(1).is_some() {
            return Err(Error::new(Code::BadUserInput, "Send one Host header"));
        }
        if request.body().size_hint().lower() > self.max as u64 {
            return Err(too_large());
        }
        let is_identity = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
        if request.headers().get_all(header::CONTENT_ENCODING).iter().all(is_identity) {
            return Ok(());
        }
        Err(Error::new(Code::UnsupportedMediaType, "Send the body without Content-Encoding"))
    }

    /// Reads the body of a user's request. An error says that it is too large, too slow or broke off, or that too many bytes are
    /// in flight. A body of unknown length counts as the largest.
    pub(crate) async fn read(&self, request: Request) -> Result<Bytes> {
        let mut max = SMALL_BODY.min(self.max);
        if let Some(LargeBody(counted)) = request.extensions().get() {
            let length = request.body().size_hint().upper().and_then(|length| usize::try_from(length).ok());
            let (length, (user, _)) = (length.unwrap_or(self.max), telemetry::noted());
            self.in_flight.check(user.as_deref(), length)?;
            counted.get_or_init(|| self.in_flight.hold(user, length));
            max = self.max;
        }
        to_bytes(request.into_body(), max).await.map_err(|error| unreadable(&error))
    }
}

fn too_large() -> Error {
    telemetry::limit_hit(Limit::Body);
    Error::new(Code::PayloadTooLarge, "The body is larger than the server reads (MAX_BODY)")
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
