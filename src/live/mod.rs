//! The hub of streams: who waits for changes of whose tasks, and what wakes them. Knows no protocol and no SQL.
//!
//! A stream holds a cursor, not a queue: when its user's feed has moved and its client takes more, it reads the next page.
//! So a client that lags costs no memory, and catches up by itself. A write on this server wakes its user's streams at once;
//! writes of other servers are found by polling the heads of the feeds that have streams here.

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

/// All streams of this server. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    db: Db,
    feeds: Feeds,
}

impl Hub {
    /// Hears of all writes through this access to the database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let feeds = Feeds::default();
        let woken = feeds.clone();
        db.on_write(Arc::new(move |user| woken.wrote(user)));
        Self { db, feeds }
    }

    /// The changes of these tasks since then, page by page. The first page comes at once, empty if need be; later ones have
    /// something to tell, and come once there is something.
    ///
    /// A database that goes away holds the stream up, and doesn't end it: what happened meanwhile comes when it is back. An
    /// error is the last item.
    #[must_use = "nothing is read until the stream is polled"]
    pub fn subscribe(&self, tasks: UserTasks, since: Since) -> impl Stream<Item = Result<Changes>> + Send + use<> {
        let subscription = Subscription::new(self.feeds.watch(tasks.user().shared_id()), tasks, since);
        stream::unfold(Box::new(subscription), Subscription::next)
    }

    /// Finds what other servers write, for as long as it is polled.
    pub async fn keep_polling(&self) {
        poll::keep_polling(&self.db, &self.feeds).await;
    }
}
