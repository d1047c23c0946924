//! The hub of streams: which users wait for changes, and what wakes their streams. Knows neither protocols nor SQL.
//!
//! A stream holds a cursor, not a queue: when its user's feed has moved and its client is ready, it reads the next page. A
//! client that lags costs no memory, and catches up by itself. A write on this server wakes its user's streams
//! immediately; writes on other servers are found by polling the heads of the feeds that have streams here.

mod feeds;
mod metrics;
mod poll;
mod subscription;

use std::sync::Arc;

use futures::{Stream, stream};

pub(crate) use self::metrics::describe as describe_metrics;
use self::{feeds::Feeds, subscription::Subscription};
use crate::{
    error::Result,
    store::{Db, UserTasks},
    task::{Changes, Since},
};

/// The streams of this server. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    db: Db,
    feeds: Feeds,
}

impl Hub {
    /// Listens to all writes through this access to the database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let feeds = Feeds::default();
        let writes = feeds.clone();
        db.on_write(Arc::new(move |user| writes.wrote(user)));
        Self { db, feeds }
    }

    /// Changes to these tasks, page by page. The first page arrives immediately, and may be empty; later ones never are.
    ///
    /// While the database is unavailable, the stream waits. An error is the last item.
    #[must_use = "nothing is read until the stream is polled"]
    pub fn subscribe(&self, tasks: UserTasks, since: Since) -> impl Stream<Item = Result<Arc<Changes>>> + Send + use<> {
        let subscription = Subscription::new(self.feeds.open(tasks.user().shared_id()), tasks, since);
        stream::unfold(Box::new(subscription), Subscription::next)
    }

    /// Finds writes on other servers, for as long as it is polled.
    pub async fn keep_polling(&self) {
        poll::keep_polling(&self.db, &self.feeds).await;
    }
}
