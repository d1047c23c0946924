//! How long a stream lasts: until its token is no longer accepted, or the server stops. A heartbeat keeps either side from
//! taking a silent stream for a dead one.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::time::{Instant, Sleep, sleep};

use super::{Ended, Stopping};
use crate::auth::VerifiedToken;

/// The time of one stream.
pub(crate) struct Lifetime {
    /// Who is served; `None` while the client has not said so.
    session: Option<VerifiedToken>,
    heartbeat: Duration,
    /// The next heartbeat, or the end of the token if that is sooner.
    alarm: Pin<Box<Sleep>>,
    stopping: BoxFuture<'static, ()>,
}

impl Lifetime {
    /// Of a stream whose client has this long to say who it is.
    pub(crate) fn without_session(stopping: Stopping, patience: Duration) -> Self {
        Self { session: None, heartbeat: patience, alarm: Box::pin(sleep(patience)), stopping: stopping.wait() }
    }

    /// Of a stream for this session.
    pub(crate) fn new(session: VerifiedToken, stopping: Stopping, heartbeat: Duration) -> Self {
        let mut lifetime = Self::without_session(stopping, heartbeat);
        lifetime.admit(session, heartbeat);
        lifetime
    }

    /// From now on it lasts as long as this session.
    pub(crate) fn admit(&mut self, session: VerifiedToken, heartbeat: Duration) {
        self.heartbeat = heartbeat;
        self.set_alarm(session.remaining());
        self.session = Some(session);
    }

    /// Waits for the next heartbeat; the error says why there is none.
    pub(crate) async fn beat(&mut self) -> Result<(), Ended> {
        poll_fn(|context| self.poll_beat(context)).await
    }

    /// The same as [`Self::beat`].
    pub(crate) fn poll_beat(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        if self.stopping.poll_unpin(context).is_ready() {
            self.stopping = futures::future::ready(()).boxed();
            return Poll::Ready(Err(Ended::Shutdown));
        }
        ready!(self.alarm.poll_unpin(context));
        let Some(session) = &self.session else { return Poll::Ready(Err(Ended::NoInit)) };
        // The clock decides: it may have been set since the alarm was.
        let remaining = session.remaining();
        self.set_alarm(remaining);
        Poll::Ready(remaining.map(drop).ok_or(Ended::Token))
    }

    fn set_alarm(&mut self, remaining: Option<Duration>) {
        let pause = remaining.unwrap_or_default().min(self.heartbeat);
        self.alarm.as_mut().reset(Instant::now() + pause);
    }
}
