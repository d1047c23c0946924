//! The start of a server, which a database that can't be reached delays, but doesn't end at once: it may be starting too.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Code, Error, Result};

/// The pause after a failed attempt, which doubles up to the longest.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

const ADVICE: &str =
    "Check that PostgreSQL is running, and that host, port and firewalls in between let this server reach it";

/// One start.
pub(super) struct Start {
    deadline: Instant,
}

impl Start {
    /// From now on, for this long.
    pub(super) fn within(timeout: Duration) -> Self {
        Self { deadline: Instant::now() + timeout }
    }

    /// Takes a step: once at least, and again while the database is unavailable and there is time.
    pub(super) async fn attempt<T, F>(&self, step: &str, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut pause = MIN_PAUSE;
        loop {
            let error = match attempt().await {
                Err(error) if error.code() == Code::ServiceUnavailable => error,
                done => return done,
            };
            let failure = format!("can't {step}: {}. {ADVICE}", error.report());
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left <= pause {
                return Err(Error::unavailable(failure));
            }
            tracing::warn!("{failure}. Trying again for {} s", left.as_secs());
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_step_is_repeated_only_while_the_database_is_unavailable_and_there_is_time() {
        let attempts = |start: Start, error: fn(&'static str) -> Error| async move {
            let count = Cell::new(0);
            let attempt = || async {
                count.set(count.get() + 1);
                if count.get() < 3 { Err(error("no connection")) } else { Ok(()) }
            };
            let done = start.attempt("migrate", attempt).await;
            (count.get(), done.err().map(|error| error.report()))
        };
        let given_up = format!("can't migrate: no connection. {ADVICE}");
        let hour = Duration::from_hours(1);
        assert_eq!(attempts(Start::within(hour), Error::unavailable).await, (3, None));
        assert_eq!(attempts(Start::within(Duration::ZERO), Error::unavailable).await, (1, Some(given_up)));
        assert_eq!(attempts(Start::within(hour), Error::internal).await, (1, Some("no connection".to_owned())));
    }
}
