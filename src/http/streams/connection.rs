//! The connection that a request came on, as far as a stream needs it.

use std::{any::Any, convert::Infallible, sync::Arc, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use crate::timer::Timer;

/// A connection. A stream that outlives its request, as a WebSocket does, holds on to it, so that it stays counted and the
/// server waits for it when it stops. The default is not counted, never stops and has no send timeout.
///
/// Each request has one, so a clone counts the references of this connection only, and none that all connections share.
#[derive(Clone, Default)]
pub struct Connection(Option<Arc<Inner>>);

struct Inner {
    /// What is released when the connection ends.
    _held: Arc<dyn Any + Send + Sync>,
    stopping: watch::Receiver<()>,
    send_timeout: Duration,
    /// Timers of finished requests, to be reused.
    timers: Mutex<Vec<Timer>>,
}

impl Connection {
    /// A connection that holds `held`, and stops when the watched value changes.
    pub fn new(held: Arc<dyn Any + Send + Sync>, stopping: watch::Receiver<()>, send_timeout: Duration) -> Self {
        Self(Some(Arc::new(Inner { _held: held, stopping, send_timeout, timers: Mutex::default() })))
    }

    /// A timer for a request, to be returned with [`Self::keep`].
    pub(crate) fn timer(&self) -> Timer {
        self.timers().and_then(|mut timers| timers.pop()).unwrap_or_default()
    }

    /// Keeps a timer for the next request.
    pub(crate) fn keep(&self, timer: Timer) {
        if let Some(mut timers) = self.timers() {
            timers.push(timer);
        }
    }

    fn timers(&self) -> Option<MutexGuard<'_, Vec<Timer>>> {
        Some(self.0.as_ref()?.timers.lock())
    }

    /// How long the client may read nothing of what is sent to it.
    pub(crate) fn send_timeout(&self) -> Duration {
        self.0.as_ref().map_or(Duration::MAX, |inner| inner.send_timeout)
    }

    /// When the server stops.
    #[must_use]
    pub fn stopping(&self) -> Stopping {
        Stopping(self.0.as_ref().map(|inner| inner.stopping.clone()))
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("is_counted", &self.0.is_some()).finish_non_exhaustive()
    }
}

/// The server puts it into the extensions of each request.
impl<S: Sync> FromRequestParts<S> for Connection {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Says when the server stops.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Option<watch::Receiver<()>>);

impl Stopping {
    /// Ends when the server stops.
    pub(in crate::http::streams) fn wait(self) -> BoxFuture<'static, ()> {
        let Self(watched) = self;
        async move {
            match watched {
                // An error says that the server is gone.
                Some(mut watched) => drop(watched.changed().await),
                None => std::future::pending().await,
            }
        }
        .boxed()
    }
}
