//! Work that goes on when nobody waits for it any more.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use tokio::runtime::Handle;

/// A future that is finished in a task of its own if it is dropped before. A task for each from the start would do the
/// same, but wake another thread for each request.
pub(super) struct Finish<T: Send + 'static> {
    rest: Option<BoxFuture<'static, T>>,
    has_begun: bool,
}

impl<T: Send + 'static> Finish<T> {
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self { rest: Some(Box::pin(work)), has_begun: false }
    }
}

impl<T: Send + 'static> Future for Finish<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.has_begun = true;
        let Some(work) = &mut self.rest else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.rest = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Finish<T> {
    fn drop(&mut self) {
        if let (Some(rest), true, Ok(runtime)) = (self.rest.take(), self.has_begun, Handle::try_current()) {
            runtime.spawn(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_has_begun_is_finished_though_nobody_waits() {
        let (finished, is_finished) = oneshot::channel();
        let (go_on, goes_on) = oneshot::channel::<()>();
        let mut work = Finish::new(async {
            goes_on.await.unwrap();
            finished.send("finished").unwrap();
        });
        assert_eq!((&mut work).now_or_never(), None);
        drop(work);
        go_on.send(()).unwrap();
        assert_eq!(is_finished.await, Ok("finished"));
    }

    #[tokio::test]
    async fn what_has_not_begun_does_not_begin() {
        let (finished, is_finished) = oneshot::channel();
        drop(Finish::new(async { finished.send("finished") }));
        assert!(is_finished.await.is_err());
        assert_eq!(Finish::new(ready(1)).await, 1);
        assert_eq!(Finish::new(pending::<()>()).now_or_never(), None);
    }
}
