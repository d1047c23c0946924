//! Time limits that use one timer after the other. To set a timer up, and to take it down, is to lock what all timers of the
//! runtime share, for each request; to move one counts references that all of them share. So it is left where it is: when it
//! rings, it is moved to the limit of that time.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::{FutureExt, future::poll_fn};
use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// Longer than anything is limited to, as time can't be added without end.
const FAR_FUTURE: Duration = Duration::from_hours(24 * 365);

/// A timer that goes on running between two limits: it may wake whoever waited last, in vain.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Alarm>);

impl Timer {
    /// What comes of the work; nothing if it takes longer than this.
    pub(crate) fn limit<F: Future + Unpin>(
        &mut self,
        limit: Duration,
        mut work: F,
    ) -> impl Future<Output = Option<F::Output>> {
        let deadline = Instant::now() + limit.min(FAR_FUTURE);
        let alarm = self.0.get_or_insert_with(|| Alarm::at(deadline));
        alarm.ring_before(deadline);
        poll_fn(move |context| match work.poll_unpin(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => alarm.poll(deadline, context).map(|()| None),
        })
    }
}

#[derive(Debug)]
struct Alarm {
    sleep: Pin<Box<Sleep>>,
    /// Who is woken when it rings.
    waiting: Option<Waker>,
}

impl Alarm {
    fn at(deadline: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(deadline)), waiting: None }
    }

    /// Makes sure that it doesn't ring later than this.
    fn ring_before(&mut self, deadline: Instant) {
        if self.sleep.deadline() > deadline {
            self.ring_at(deadline);
        }
    }

    fn ring_at(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.waiting = None;
    }

    /// Waits for the deadline, however often it rings before.
    fn poll(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let is_waiting = self.waiting.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
            if is_waiting && !self.sleep.is_elapsed() {
                return Poll::Pending;
            }
            // Work that has used up what a task may do at once must not keep its limit from being looked at.
            if unconstrained(&mut self.sleep).poll_unpin(context).is_pending() {
                self.waiting = Some(context.waker().clone());
                return Poll::Pending;
            }
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            self.ring_at(deadline);
        }
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
    async fn what_rings_for_an_earlier_limit_ends_no_later_one() {
        let mut timer = Timer::default();
        let work = |millis| Box::pin(sleep(Duration::from_millis(millis)));
        assert_eq!(timer.limit(Duration::from_millis(5), work(1)).await, Some(()));
        assert_eq!(timer.limit(Duration::from_hours(1), work(10)).await, Some(()));
        assert_eq!(timer.limit(Duration::from_millis(2), pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn whoever_waits_last_is_woken() {
        let mut timer = Timer::default();
        let mut limited = Box::pin(timer.limit(Duration::from_millis(5), pending::<()>()));
        assert_eq!((&mut limited).now_or_never(), None, "somebody else waits, and no more");
        assert_eq!(limited.await, None);
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
