//! Bodies left unread by an early response, as when a request is refused by its head.
//!
//! In HTTP/1.1 the next request of a connection comes after the body of this one, so somebody has to read it. hyper
//! closes the connection instead, without having said so, and the client's next request is lost with it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, Version, header},
    response::Response,
};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::{sync::Semaphore, time::timeout};

use super::body::{MAX_BODY, SMALL_BODY};

/// How much is read of a body that is too large. Closing a connection while the client is sending can destroy the
/// response before the client has read it.
const MAX_DRAINED: usize = 4 * MAX_BODY;
/// How many unread bodies are read at once. Each costs its connection a read buffer of up to 32 KiB, and takes no token; a
/// client beyond that may lose the response if it keeps sending.
static DRAINS: Semaphore = Semaphore::const_new(8);
/// How long an unread body is waited for.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A request's body, as far as it is left unread.
pub(crate) struct UnreadBody {
    /// `None` where nothing can be left over.
    kept: Option<Kept>,
    awaits_permission: bool,
}

impl UnreadBody {
    /// Keeps the part of the body that the handler doesn't read.
    pub(crate) fn track(request: &mut Request) -> Self {
        let awaits_permission = request.headers().contains_key(header::EXPECT);
        if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
            return Self { kept: None, awaits_permission };
        }
        let kept = Kept::default();
        let body = Some(std::mem::take(request.body_mut()));
        *request.body_mut() = Body::new(Tracked { body, is_asked_for: false, kept: kept.clone() });
        Self { kept: Some(kept), awaits_permission }
    }

    /// Reads the rest once the response is ready, without delaying it. Says `Connection: close` if the rest is too large or
    /// of unknown length, if the client waits for a permission to send it, or if too many bodies are being read.
    pub(crate) fn drain(self, response: &mut Response) {
        let Some(Rest { body, is_asked_for }) = self.kept.and_then(|kept| kept.take()) else { return };
        let is_small = body.size_hint().upper().is_some_and(|length| length <= SMALL_BODY as u64);
        let is_coming = is_asked_for || !self.awaits_permission;
        let permit = if is_coming { DRAINS.try_acquire().ok() } else { None };
        if !is_small || permit.is_none() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(permit) = permit {
            tokio::spawn(async move {
                let _permit = permit;
                // What isn't there by then is closed with the connection.
                let _ = timeout(DRAIN_TIMEOUT, discard(body)).await;
            });
        }
    }
}

/// Reads a body frame by frame and keeps nothing of it.
async fn discard(mut body: Body) {
    let mut discarded = 0;
    while discarded <= MAX_DRAINED
        && let Some(Ok(frame)) = body.frame().await
    {
        discarded += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// What was left of a body.
struct Rest {
    body: Body,
    is_asked_for: bool,
}

/// Where a body goes when it is dropped before its end.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<Rest>>>);

impl Kept {
    fn take(&self) -> Option<Rest> {
        self.0.lock().take()
    }

    fn put(&self, rest: Rest) {
        *self.0.lock() = Some(rest);
    }
}

/// A body that isn't lost when it is dropped before its end.
struct Tracked {
    /// `None` after the end.
    body: Option<Body>,
    is_asked_for: bool,
    kept: Kept,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_asked_for = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            self.kept.put(Rest { body, is_asked_for: self.is_asked_for });
        }
    }
}
