//! Time limits that use one timer after the other. To set a timer up, and to take it down, is to lock what all timers of the
//! runtime share, for each request; to move one to a later time is neither.

use std::{pin::Pin, task::Poll, time::Duration};

use futures::{FutureExt, future::poll_fn};
use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// Longer than anything is limited to, as time can't be added without end.
const FAR_FUTURE: Duration = Duration::from_hours(24 * 365);

/// A timer that goes on running between two limits: it may wake whoever waited last, in vain.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// What comes of the work; nothing if it takes longer than this.
    pub(crate) fn limit<F: Future + Unpin>(
        &mut self,
        limit: Duration,
        mut work: F,
    ) -> impl Future<Output = Option<F::Output>> {
        let deadline = Instant::now() + limit.min(FAR_FUTURE);
        if let Some(sleep) = &mut self.0 {
            sleep.as_mut().reset(deadline);
        }
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        poll_fn(move |context| match work.poll_unpin(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            // Work that has used up what a task may do at once must not keep its limit from being looked at.
            Poll::Pending => unconstrained(&mut *sleep).poll_unpin(context).map(|()| None),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::{task::coop::consume_budget, time::sleep};

    use super::*;

    #[tokio::test]
    async fn one_timer_serves_limits_of_any_length() {
        let mut timer = Timer::default();
        for _ in 0..2 {
            assert_eq!(timer.limit(Duration::from_millis(2), pending::<()>()).await, None);
            let work = Box::pin(sleep(Duration::from_millis(4)));
            assert_eq!(timer.limit(Duration::from_hours(1), work).await, Some(()));
        }
    }

    #[tokio::test]
    async fn work_that_never_rests_is_limited() {
        let work = Box::pin(async {
            loop {
                consume_budget().await;
            }
        });
        let limited: Option<()> = Timer::default().limit(Duration::from_millis(2), work).await;
        assert_eq!(limited, None);
    }

    #[tokio::test]
    async fn a_limit_without_end_is_none() {
        let mut timer = Timer::default();
        assert_eq!(timer.limit(Duration::MAX, std::future::ready(1)).await, Some(1));
        assert_eq!(timer.limit(Duration::MAX, std::future::ready(2)).await, Some(2));
    }
}
