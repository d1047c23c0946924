//! Queries that nobody waits for any more are taken back from the server, so that it doesn't go on working for nobody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, time::sleep};
use tokio_postgres::CancelToken;

use super::connect::Connector;

/// How long a query may go on before it is cancelled: most are done by then, and to cancel costs two connections, the
/// one that asks and the one that can't be used again.
const PATIENCE: Duration = Duration::from_millis(100);

/// Whether it is settled what becomes of a query: it ended, or it is to be cancelled. Only one of the two can happen,
/// for the request to cancel may arrive late, and must not meet another user's query.
#[derive(Clone, Debug, Default)]
pub(super) struct Settled(Arc<AtomicBool>);

impl Settled {
    /// Settles it, if nobody has.
    pub(super) fn settle(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }
}

/// Cancels what a connection is doing, unless it is told that it is done, or it ends by itself soon enough.
pub(super) struct CancelOnDrop {
    connector: Arc<Connector>,
    token: Option<CancelToken>,
    settled: Settled,
}

impl CancelOnDrop {
    pub(super) fn new(connector: Arc<Connector>, token: CancelToken, settled: Settled) -> Self {
        Self { connector, token: Some(token), settled }
    }

    /// There is nothing to cancel any more.
    pub(super) fn done(mut self) {
        self.token = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let (Some(token), Ok(runtime)) = (self.token.take(), Handle::try_current()) else { return };
        let (connector, settled) = (Arc::clone(&self.connector), self.settled.clone());
        runtime.spawn(async move {
            sleep(PATIENCE).await;
            if settled.settle() {
                connector.cancel(&token).await;
            }
        });
    }
}
