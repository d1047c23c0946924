//! Finds what other servers write: asks for the heads of the feeds that have streams here, again and again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{feeds::Feeds, metrics};
use crate::{
    error::Result,
    store::{Db, WatchedFeed},
};

/// How many users one query asks about.
const BATCH: usize = 1000;
/// The pause between two rounds.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_millis(1500);
/// How much longer the pause is than the round: polling takes at most a fiftieth of one processor, unless that would make
/// the pause longer than the longest.
const PAUSE_PER_ROUND: u32 = 49;

pub(super) async fn keep_polling(db: &Db, feeds: &Feeds) {
    if !db.has_other_writers() {
        return std::future::pending().await;
    }
    let mut was_polled = true;
    loop {
        let known = feeds.known().await;
        let started = Instant::now();
        let polled = poll(db, feeds, &known).await;
        if let Err(error) = &polled
            && was_polled
        {
            tracing::warn!(error = error.report(), "can't look for changes that other servers make");
        }
        was_polled = polled.is_ok();
        metrics::polled(was_polled);
        sleep(pause(started.elapsed())).await;
    }
}

async fn poll(db: &Db, feeds: &Feeds, known: &[WatchedFeed]) -> Result<()> {
    for batch in known.chunks(BATCH) {
        for (user, head) in db.moved_heads(batch).await? {
            feeds.polled(&user, head);
        }
    }
    Ok(())
}

fn pause(round: Duration) -> Duration {
    (round * PAUSE_PER_ROUND).clamp(MIN_PAUSE, MAX_PAUSE)
}
