//! A response's body on its way to a client, which has to take it in time.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Body, Bytes},
};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::{Mutex, MutexGuard};
use tokio::{sync::Notify, task::AbortHandle, time::sleep};

use super::activity::InFlight;
use crate::http::guard::Held;

/// The largest frame: what HTTP/2 buffers of a stream whose client reads nothing.
pub(super) const CHUNK: usize = 32 * 1024;
/// How many bytes of a response a client has to take in a second, on average.
const MIN_RATE: u64 = 128 * 1024;

/// A body whose end is the end of its request.
pub(super) struct ResponseBody {
    body: Sending,
    _request: InFlight,
}

enum Sending {
    /// A stream, which may take any time, or one frame.
    Untimed(Body),
    Timed(Timed),
}

/// A body of a known length, dropped if the client doesn't take it in time. hyper doesn't poll it while the client reads
/// nothing, so a task drops it.
struct Timed {
    unsent: Arc<Mutex<Unsent>>,
    length: u64,
    deadline: AbortHandle,
}

#[derive(Default)]
struct Unsent {
    /// `None` once it was given up.
    body: Option<Body>,
    chunk: Bytes,
    _held: Option<Arc<Held>>,
}

/// How long a client may take.
pub(super) struct Patience {
    /// For a response, besides what [`MIN_RATE`] gives it.
    pub(super) send_timeout: Duration,
    /// To notice that a response was given up.
    pub(super) grace: Duration,
    /// Notified of a client that doesn't.
    pub(super) overdue: Arc<Notify>,
}

impl ResponseBody {
    pub(super) fn untimed(body: Body, request: InFlight) -> Self {
        Self { body: Sending::Untimed(body), _request: request }
    }

    /// A body of this many bytes. What is `held` is released when it was handed over, or given up.
    pub(super) fn timed(
        body: Body,
        length: u64,
        held: Option<Arc<Held>>,
        request: InFlight,
        patience: Patience,
    ) -> Self {
        let unsent = Arc::new(Mutex::new(Unsent { body: Some(body), chunk: Bytes::new(), _held: held }));
        let left = Arc::downgrade(&unsent);
        let Patience { send_timeout, grace, overdue } = patience;
        let give_up = async move {
            sleep(send_timeout + Duration::from_secs(length / MIN_RATE)).await;
            if let Some(unsent) = left.upgrade() {
                *lock(&unsent) = Unsent::default();
            }
            sleep(grace).await;
            overdue.notify_one();
        };
        let deadline = tokio::spawn(give_up).abort_handle();
        Self { body: Sending::Timed(Timed { unsent, length, deadline }), _request: request }
    }
}

impl Unsent {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while self.chunk.is_empty() {
            let Some(body) = &mut self.body else { return Poll::Ready(Some(Err("the client took too long".into()))) };
            match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.chunk = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            }
        }
        let size = self.chunk.len().min(CHUNK);
        Poll::Ready(Some(Ok(Frame::data(self.chunk.split_to(size)))))
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.body {
            Sending::Untimed(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Sending::Timed(timed) => lock(&timed.unsent).poll_chunk(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Sending::Untimed(body) => body.is_end_stream(),
            Sending::Timed(timed) => {
                let unsent = lock(&timed.unsent);
                unsent.chunk.is_empty() && unsent.body.as_ref().is_some_and(HttpBody::is_end_stream)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Sending::Untimed(body) => body.size_hint(),
            Sending::Timed(timed) => SizeHint::with_exact(timed.length),
        }
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        self.deadline.abort();
    }
}

fn lock(unsent: &Mutex<Unsent>) -> MutexGuard<'_, Unsent> {
    unsent.lock()
}
