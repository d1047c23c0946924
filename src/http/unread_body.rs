//! Bodies that an answer didn't wait for, as when a request is refused by its head.
//!
//! In HTTP/1.1 the next request of a connection comes after the body of this one, so somebody has to read it. hyper
//! closes the connection instead, without having said so, and the client's next request is lost with it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, Version, header},
    response::Response,
};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::timeout;

use super::MAX_BODY;

/// How much is read of a body that is too large. Closing a connection while the client is sending can destroy the
/// answer before the client has read it.
const MAX_DRAINED: usize = 16 * MAX_BODY;
/// How long an unread body is waited for.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the rest of the body once the answer is ready, without delaying it. Says `Connection: close` if the rest is too
/// large or of unknown length, or if the client waits for a permission to send it.
pub(crate) async fn drain_unread_body<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return next(request).await;
    }
    let awaits_permission = request.headers().contains_key(header::EXPECT);
    let unread = Unread::default();
    let request =
        request.map(|body| Body::new(Tracked { body: Some(body), is_asked_for: false, unread: unread.clone() }));
    let mut response = next(request).await;
    let Some(Rest { body, is_asked_for }) = unread.take() else { return response };
    let is_small = body.size_hint().upper().is_some_and(|length| length <= MAX_BODY as u64);
    let is_coming = is_asked_for || !awaits_permission;
    if !(is_small && is_coming) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if is_coming {
        tokio::spawn(timeout(DRAIN_TIMEOUT, axum::body::to_bytes(body, MAX_DRAINED)));
    }
    response
}

/// What was left of a body.
struct Rest {
    body: Body,
    is_asked_for: bool,
}

/// Where a body goes when it is dropped before its end.
#[derive(Clone, Default)]
struct Unread(Arc<Mutex<Option<Rest>>>);

impl Unread {
    fn take(&self) -> Option<Rest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, rest: Rest) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
    }
}

/// A body that isn't lost when it is dropped before its end.
struct Tracked {
    /// `None` after the end.
    body: Option<Body>,
    is_asked_for: bool,
    unread: Unread,
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
            self.unread.put(Rest { body, is_asked_for: self.is_asked_for });
        }
    }
}
