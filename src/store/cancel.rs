//! Queries that nobody waits for any more are taken back from the server, so that it doesn't go on working for nobody.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::runtime::Handle;
use tokio_postgres::CancelToken;

use super::connect::Connector;

/// Whether a request to cancel is on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Cancels what a connection is doing, unless it is told that it is done.
pub(super) struct CancelOnDrop {
    connector: Arc<Connector>,
    token: Option<CancelToken>,
    cancelled: Cancelled,
}

impl CancelOnDrop {
    pub(super) fn new(connector: Arc<Connector>, token: CancelToken, cancelled: Cancelled) -> Self {
        Self { connector, token: Some(token), cancelled }
    }

    /// There is nothing to cancel any more.
    pub(super) fn done(mut self) {
        self.token = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let (Some(token), Ok(runtime)) = (self.token.take(), Handle::try_current()) else { return };
        // First of all: the request to cancel may arrive late, and must not meet another user's query.
        self.cancelled.set();
        let connector = Arc::clone(&self.connector);
        runtime.spawn(async move { connector.cancel(&token).await });
    }
}
