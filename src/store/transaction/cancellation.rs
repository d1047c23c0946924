//! What becomes of a transaction when its request is dropped: a client went away, or a deadline passed.
//!
//! The transaction completes in the background, so that its connection is clean when it goes back to the pool. A read
//! that goes on for longer is cancelled in the server as well.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::FutureExt;
use tokio::{runtime::Handle, time::sleep};
use tokio_postgres::CancelToken;

use crate::store::connection::connect::Connector;

/// How long a query may go on before it is cancelled: most are done by then, and to cancel costs two connections, the
/// one that asks and the one that can't be used again.
const PATIENCE: Duration = Duration::from_millis(100);

/// A future that is finished in a task of its own if it is dropped before. A task for each from the start would do the
/// same, but wake another thread for each request.
pub(in crate::store) struct FinishOnDrop<F: Background> {
    work: Option<F>,
    has_begun: bool,
}

/// What can go on in a task of its own.
pub(in crate::store) trait Background: Future<Output: Send> + Unpin + Send + 'static {}

impl<F: Future<Output: Send> + Unpin + Send + 'static> Background for F {}

impl<F: Background> FinishOnDrop<F> {
    pub(in crate::store) fn new(work: F) -> Self {
        Self { work: Some(work), has_begun: false }
    }
}

impl<F: Background> Future for FinishOnDrop<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.has_begun = true;
        let Some(work) = &mut self.work else { return Poll::Pending };
        let polled = work.poll_unpin(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<F: Background> Drop for FinishOnDrop<F> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take()
            && self.has_begun
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

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
pub(super) struct CancelOnDrop<'a> {
    connector: &'a Arc<Connector>,
    token: Option<Arc<CancelToken>>,
    settled: Settled,
}

impl<'a> CancelOnDrop<'a> {
    pub(super) fn new(connector: &'a Arc<Connector>, token: Arc<CancelToken>, settled: Settled) -> Self {
        Self { connector, token: Some(token), settled }
    }

    /// There is nothing to cancel any more.
    pub(super) fn disarm(mut self) {
        self.token = None;
    }
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        let Some(token) = self.token.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let (connector, settled) = (Arc::clone(self.connector), self.settled.clone());
        runtime.spawn(async move {
            sleep(PATIENCE).await;
            if settled.settle() {
                connector.cancel(&token).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_has_begun_is_finished_though_nobody_waits() {
        let (finished, is_finished) = oneshot::channel();
        let (go_on, goes_on) = oneshot::channel::<()>();
        let mut work = FinishOnDrop::new(Box::pin(async {
            goes_on.await.unwrap();
            finished.send("finished").unwrap();
        }));
        assert_eq!((&mut work).now_or_never(), None);
        drop(work);
        go_on.send(()).unwrap();
        assert_eq!(is_finished.await, Ok("finished"));
    }

    #[tokio::test]
    async fn what_has_not_begun_does_not_begin() {
        let (finished, is_finished) = oneshot::channel();
        drop(FinishOnDrop::new(Box::pin(async { finished.send("finished") })));
        assert!(is_finished.await.is_err());
        assert_eq!(FinishOnDrop::new(ready(1)).await, 1);
        assert_eq!(FinishOnDrop::new(pending::<()>()).now_or_never(), None);
    }
}
