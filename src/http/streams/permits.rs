//! How many streams are open: those of each user, and all of them.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, OnceLock},
};

use parking_lot::{Mutex, MutexGuard};

use super::{Ended, StreamLimits, metrics};
use crate::{
    auth::CurrentUser,
    error::{Code, Error, Result},
};

/// The streams of this server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    limits: StreamLimits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_user: HashMap<Arc<str>, usize>,
}

/// What a stream is served through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlet {
    /// GraphQL over WebSocket.
    WebSocket,
    /// GraphQL over server-sent events.
    GraphqlSse,
    /// REST's server-sent events.
    RestSse,
    /// An export.
    Export,
}

impl Outlet {
    /// Its name in metrics.
    pub(in crate::http::streams) const fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::GraphqlSse => "graphql_sse",
            Self::RestSse => "rest_sse",
            Self::Export => "export",
        }
    }
}

impl Streams {
    /// With these limits.
    #[must_use]
    pub fn new(limits: StreamLimits) -> Self {
        Self(Arc::new(Inner { limits, open: Mutex::default() }))
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &StreamLimits {
        &self.0.limits
    }

    /// Acquires the permit for one more stream of a user. Fails with `TOO_MANY_STREAMS`.
    pub(crate) fn open(&self, user: &CurrentUser, outlet: Outlet) -> Result<StreamPermit> {
        let limits = &self.0.limits;
        let mut open = self.0.open();
        if open.total >= limits.streams {
            return Err(refused("server", "The server has as many streams open as it may, try again later"));
        }
        let of_user = open.by_user.entry(Arc::clone(user.shared_id())).or_default();
        if *of_user >= limits.streams_per_user {
            return Err(refused("user", "Too many streams are open, close one of them (MAX_STREAMS_PER_USER)"));
        }
        *of_user += 1;
        open.total += 1;
        metrics::opened(outlet);
        Ok(StreamPermit {
            inner: Arc::clone(&self.0),
            user: Arc::clone(user.shared_id()),
            outlet,
            reason: OnceLock::new(),
        })
    }
}

fn refused(limit: &'static str, message: &'static str) -> Error {
    metrics::refused(limit);
    Error::new(Code::TooManyStreams, message)
}

impl Inner {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock()
    }
}

/// The right to one stream, until it is dropped.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    inner: Arc<Inner>,
    user: Arc<str>,
    outlet: Outlet,
    reason: OnceLock<Ended>,
}

impl StreamPermit {
    /// Notes why the stream ended; the first reason counts. Without one it was its client's doing.
    pub(crate) fn ended(&self, reason: Ended) {
        let _ = self.reason.set(reason);
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        metrics::ended(self.outlet, self.reason.get().copied());
        let mut open = self.inner.open();
        open.total -= 1;
        if let Entry::Occupied(mut of_user) = open.by_user.entry(Arc::clone(&self.user)) {
            *of_user.get_mut() -= 1;
            if *of_user.get() == 0 {
                of_user.remove();
            }
        }
    }
}
