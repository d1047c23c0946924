//! Finds writes on other servers: polls the heads of the feeds that have streams here.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{feeds::Feeds, metrics};
use crate::{
    error::Result,
    store::{Db, WatchedFeed},
};

/// Feeds in one query.
const BATCH: usize = 1000;
/// Bounds of the pause between two rounds.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_millis(1500);
/// The pause in multiples of the round, so that polling takes a fiftieth of a core, as far as the bounds allow.
const PAUSE_PER_ROUND: u32 = 49;

pub(super) async fn keep_polling(db: &Db, feeds: &Feeds) {
    if !db.has_other_writers() {
        return std::future::pending().await;
    }
    let mut was_polled = true;
    loop {
        let watched = feeds.watched().await;
        let started = Instant::now();
        let polled = poll(db, feeds, &watched).await;
        if let Err(error) = &polled
            && was_polled
        {
            tracing::warn!(error = error.report(), "can't poll for changes made on other servers");
        }
        was_polled = polled.is_ok();
        metrics::polled(was_polled);
        sleep(pause(started.elapsed())).await;
    }
}

async fn poll(db: &Db, feeds: &Feeds, watched: &[WatchedFeed]) -> Result<()> {
    for batch in watched.chunks(BATCH) {
        for (user, head) in db.moved_heads(batch).await? {
            feeds.polled(&user, head);
        }
    }
    Ok(())
}

fn pause(round: Duration) -> Duration {
    (round * PAUSE_PER_ROUND).clamp(MIN_PAUSE, MAX_PAUSE)
}
