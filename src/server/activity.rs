//! Tells a busy connection from an idle or stalled one. hyper's own time-out for heads doesn't cover a
//! connection that has sent nothing, and takes the wait for the next request for a slow head.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::http::Version;
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use crate::config::ConnectionLimits;

/// The state of one connection, shared by its socket and its requests.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Requests whose response is not finished.
    in_flight: usize,
    /// What the client has to send next, if there are none.
    waiting: Waiting,
    /// HTTP/2 sends frames that belong to no request, so bytes don't mean that a head has begun.
    is_http2: bool,
    /// Since when the client has read nothing.
    blocked: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Waiting {
    /// For the rest of a head.
    Head(Instant),
    /// For another request.
    Idle(Instant),
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { in_flight: 0, waiting: Waiting::Head(Instant::now()), is_http2: false, blocked: None }))
    }

    /// A request has begun; it ends when the returned guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> InFlight {
        let mut state = self.state();
        state.in_flight += 1;
        state.is_http2 = version == Version::HTTP_2;
        InFlight(Arc::clone(self))
    }

    /// Whether the client has exceeded the time for a head or between requests.
    pub(super) fn is_overdue(&self, limits: &ConnectionLimits) -> bool {
        let state = self.state();
        state.in_flight == 0
            && match state.waiting {
                Waiting::Head(since) => since.elapsed() >= limits.header_timeout,
                Waiting::Idle(since) => since.elapsed() >= limits.idle_timeout,
            }
    }

    /// Whether the client has read nothing for too long. A stream may take any time, but not because of that.
    pub(super) fn is_stalled(&self, limits: &ConnectionLimits) -> bool {
        self.state().blocked.is_some_and(|since| since.elapsed() >= limits.send_timeout)
    }

    fn sent(&self, polled: &Poll<io::Result<usize>>) {
        let mut state = self.state();
        match polled {
            Poll::Pending => drop(state.blocked.get_or_insert_with(Instant::now)),
            Poll::Ready(_) => state.blocked = None,
        }
    }

    fn received(&self) {
        let mut state = self.state();
        if state.in_flight == 0 && !state.is_http2 && matches!(state.waiting, Waiting::Idle(_)) {
            state.waiting = Waiting::Head(Instant::now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

/// A request whose response is not finished.
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight -= 1;
        state.waiting = Waiting::Idle(Instant::now());
    }
}

/// A socket that notes when bytes arrive.
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) activity: Arc<Activity>,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > filled {
            self.activity.received();
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.sent(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.activity.sent(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
