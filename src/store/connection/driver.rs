//! Reads and writes the socket of a connection, in the task that waits for the answers.
//!
//! tokio-postgres means this to be a task of its own. Then a request wakes that task to send, and is woken by it for each
//! answer, mostly from one thread to another. Here the socket wakes the request itself. While nobody waits for an
//! answer, nobody reads.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, poll_fn, ready},
    task::AtomicWaker,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
    task::coop::has_budget_remaining,
    time::timeout,
};
use tokio_postgres::Connection;

use crate::error::Chain;

/// How long it may take to close a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The half of a connection that has the socket. To be dropped after the other one.
pub(super) struct Driver {
    /// What goes over the socket, until the connection is closed.
    exchange: Mutex<Option<BoxFuture<'static, ()>>>,
    calls: Arc<Calls>,
    /// Whether work has begun that hasn't ended: somebody gave it up, if nobody is in `run`.
    is_working: AtomicBool,
    // Made once: whoever is polled with a waker compares it with the one that it has.
    for_work: Waker,
    for_exchange: Waker,
}

impl Driver {
    pub(super) fn new<S, T>(connection: Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::of(exchange(connection).boxed())
    }

    fn of(exchange: BoxFuture<'static, ()>) -> Self {
        let calls = Arc::new(Calls { called: AtomicU8::new(EXCHANGE), task: AtomicWaker::new() });
        let waker = |who| Waker::from(Arc::new(Caller { calls: Arc::clone(&calls), who }));
        let is_working = AtomicBool::default();
        Self {
            exchange: Mutex::new(Some(exchange)),
            is_working,
            for_work: waker(WORK),
            for_exchange: waker(EXCHANGE),
            calls,
        }
    }

    /// Does the work, and sends and receives what it takes. One work at a time: it would miss calls.
    pub(super) async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        self.is_working.store(true, Ordering::Relaxed);
        self.calls.called.fetch_or(WORK, Ordering::SeqCst);
        let done = poll_fn(move |context| {
            // Calls while this runs are answered here.
            self.calls.task.take();
            loop {
                let is_working = self.calls.answer(WORK);
                if is_working && let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&self.for_work)) {
                    return Poll::Ready(done);
                }
                let is_exchanging = self.catch_up();
                let is_idle = !is_working && !is_exchanging;
                if is_idle || !has_budget_remaining() {
                    self.calls.task.register(context.waker());
                    // A call just before that has woken nobody; and without budget, it is others' turn first.
                    if !is_idle || self.calls.are_pending() {
                        context.waker().wake_by_ref();
                    }
                    return Poll::Pending;
                }
            }
        })
        .await;
        self.is_working.store(false, Ordering::Relaxed);
        done
    }

    /// Sends and receives what can be at once, if anything: a connection may have been closed while nobody read.
    pub(super) fn catch_up(&self) -> bool {
        let is_called = self.calls.answer(EXCHANGE);
        if is_called {
            self.poll_exchange();
        }
        is_called
    }

    /// Sends and receives until the connection is closed.
    pub(super) fn run_apart(mut self) -> impl Future<Output = ()> + use<> {
        self.take_exchange().unwrap_or_else(|| ready(()).boxed())
    }

    fn take_exchange(&mut self) -> Option<BoxFuture<'static, ()>> {
        self.exchange.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn poll_exchange(&self) {
        let mut exchange = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = exchange
            .as_mut()
            .is_some_and(|exchange| exchange.poll_unpin(&mut Context::from_waker(&self.for_exchange)).is_ready());
        if ended {
            *exchange = None;
        }
    }
}

impl Drop for Driver {
    /// Says goodbye, which the other half has asked for by being dropped, and reads what is still to come: a socket with
    /// something unread is reset. The server takes the end of a socket for the end of the work, too.
    fn drop(&mut self) {
        if let (false, Some(exchange), Ok(runtime)) =
            (*self.is_working.get_mut(), self.take_exchange(), Handle::try_current())
        {
            runtime.spawn(timeout(CLOSE_TIMEOUT, exchange));
        }
    }
}

async fn exchange<S, T>(mut connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        if let Err(error) = message {
            tracing::debug!(error = %Chain(&error), "a database connection ended");
            return;
        }
    }
}

const WORK: u8 = 1;
const EXCHANGE: u8 = 2;

/// Which of the two can go on.
struct Calls {
    called: AtomicU8,
    task: AtomicWaker,
}

impl Calls {
    /// Whether there was a call for this one.
    fn answer(&self, who: u8) -> bool {
        self.called.fetch_and(!who, Ordering::SeqCst) & who != 0
    }

    fn are_pending(&self) -> bool {
        self.called.load(Ordering::SeqCst) != 0
    }
}

/// Calls for one of them.
struct Caller {
    calls: Arc<Calls>,
    who: u8,
}

impl Wake for Caller {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Behind a call that is unanswered, the task has been woken or looks for calls before it sleeps.
        if self.calls.called.fetch_or(self.who, Ordering::SeqCst) == 0 {
            self.calls.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::atomic::AtomicUsize};

    use tokio::{
        sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
        task::{coop::consume_budget, yield_now},
    };

    use super::*;

    type Channel = (UnboundedSender<u32>, UnboundedReceiver<u32>);

    /// Answers each number with the next one, until it gets 0.
    fn counting() -> (Driver, UnboundedSender<u32>, UnboundedReceiver<u32>) {
        let ((ask, mut asked), (answer, answers)): (Channel, Channel) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let exchange = async move {
            while let Some(number @ 1..) = asked.recv().await {
                answer.send(number + 1).unwrap();
            }
        };
        (Driver::of(exchange.boxed()), ask, answers)
    }

    async fn ask(asks: &UnboundedSender<u32>, answers: &mut UnboundedReceiver<u32>, number: u32) -> Option<u32> {
        asks.send(number).ok()?;
        answers.recv().await
    }

    #[tokio::test]
    async fn work_is_answered_again_and_again() {
        let (driver, asks, mut answers) = counting();
        for number in 1..4 {
            let twice = async { (ask(&asks, &mut answers, number).await, ask(&asks, &mut answers, 10 * number).await) };
            assert_eq!(driver.run(twice).await, (Some(number + 1), Some(10 * number + 1)));
        }
    }

    #[tokio::test]
    async fn nothing_is_exchanged_while_nobody_works() {
        let (driver, asks, mut answers) = counting();
        asks.send(1).unwrap();
        yield_now().await;
        assert!(answers.try_recv().is_err());
        driver.catch_up();
        assert_eq!(answers.try_recv(), Ok(2));
    }

    #[tokio::test]
    async fn what_work_leaves_behind_is_sent_later() {
        let (driver, asks, mut answers) = counting();
        driver.run(async { asks.send(1).unwrap() }).await;
        driver.catch_up();
        assert_eq!(answers.try_recv(), Ok(2));
    }

    #[tokio::test]
    async fn work_learns_that_the_connection_was_closed() {
        let (driver, asks, mut answers) = counting();
        assert_eq!(driver.run(ask(&asks, &mut answers, 0)).await, None);
        assert_eq!(driver.run(ask(&asks, &mut answers, 1)).await, None);
    }

    #[tokio::test]
    async fn each_half_is_polled_only_when_it_can_go_on() {
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&polls);
        let exchange = poll_fn(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Poll::<()>::Pending
        });
        let driver = Driver::of(exchange.boxed());
        for _ in 0..3 {
            driver.run(yield_now()).await;
        }
        assert_eq!(polls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn work_that_is_always_ready_gives_way_to_other_tasks() {
        let driver = Driver::of(pending().boxed());
        let work = async {
            loop {
                consume_budget().await;
            }
        };
        tokio::select! {
            biased;
            () = driver.run(work) => {}
            () = yield_now() => {}
        }
    }

    #[tokio::test]
    async fn what_is_dropped_without_work_comes_to_its_end() {
        let (driver, asks, mut answers) = counting();
        asks.send(1).unwrap();
        drop(driver);
        assert_eq!(answers.recv().await, Some(2));

        let (driver, asks, mut answers) = counting();
        assert!(driver.run(pending::<()>()).now_or_never().is_none());
        asks.send(1).unwrap();
        drop(driver);
        assert_eq!(answers.recv().await, None, "work that was given up ends at once");
    }

    #[tokio::test]
    async fn another_task_can_go_on_with_the_work() {
        let (driver, asks, mut answers) = counting();
        let mut work =
            Box::pin(async move { driver.run(async { (answers.recv().await, driver.run(ready(())).await) }).await });
        assert!(work.as_mut().now_or_never().is_none());
        let work = tokio::spawn(work);
        yield_now().await;
        asks.send(7).unwrap();
        assert_eq!(work.await.unwrap().0, Some(8));
    }
}
