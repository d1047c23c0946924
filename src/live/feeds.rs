//! The feeds that have streams on this server.
//!
//! A stream may be left alone by its client at any point, so it doesn't read itself: a task of its own does, and so a client
//! that takes nothing holds neither a connection to the database nor what other streams wait for.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use tokio::{spawn, sync::Notify};
use tracing::Instrument;

use crate::{
    error::{Error, Result},
    store::{Head, UserTasks, WatchedFeed},
    task::{Changes, FeedCursor, Limit, Since},
    telemetry::{self, root_span},
};

/// By user. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Feeds(Arc<Inner>);

#[derive(Default)]
struct Inner {
    of_users: Mutex<HashMap<Arc<str>, Watched>>,
    has_first: Notify,
}

/// A feed that has streams.
#[derive(Default)]
struct Watched {
    feed: Arc<Feed>,
    streams: usize,
}

/// One user's feed, for all streams of that user. A counter and a `Notify`, because a `watch` channel is three times as large,
/// and most users have one stream.
#[derive(Default)]
struct Feed {
    /// Incremented when there may be something to read.
    signal: AtomicU64,
    /// Told of each increment.
    moved: Notify,
    /// The head that all streams have seen, as far as is known.
    head: Mutex<Option<Head>>,
    /// What was read last.
    read: Mutex<Option<SharedRead>>,
}

/// A read for all streams that are at the same position. It is kept for as long as one of them waits for it.
struct SharedRead {
    since: Head,
    signal: u64,
    page: WeakShared<BoxFuture<'static, Option<Arc<Changes>>>>,
}

/// The head of a feed that was read up to this cursor.
fn head_at(cursor: &FeedCursor) -> Head {
    Head { era: cursor.era(), last: cursor.number() }
}

impl Feeds {
    /// One more stream of this user.
    pub(super) fn watch(&self, user: &Arc<str>) -> Watch {
        let mut of_users = self.lock();
        if of_users.is_empty() {
            self.0.has_first.notify_one();
        }
        let watched = of_users.entry(Arc::clone(user)).or_default();
        watched.streams += 1;
        let feed = Arc::clone(&watched.feed);
        Watch { seen: feed.signal(), feed, user: Arc::clone(user), feeds: self.clone() }
    }

    /// There is something to read, if the write succeeded.
    pub(super) fn wrote(&self, user: &str) {
        if let Some(Watched { feed, .. }) = self.lock().get(user) {
            feed.wake();
        }
    }

    /// Wakes the streams of a feed whose head may be one that not all of them have seen.
    pub(super) fn polled(&self, user: &str, head: Head) {
        if let Some(Watched { feed, .. }) = self.lock().get(user)
            && feed.head().replace(head) != Some(head)
        {
            feed.wake();
        }
    }

    /// The users who have streams, once there are any, and the heads that all streams of each have seen.
    pub(super) async fn known(&self) -> Vec<WatchedFeed> {
        loop {
            let of_users = |(user, watched): (&Arc<str>, &Watched)| WatchedFeed {
                user: Arc::clone(user),
                head: *watched.feed.head(),
            };
            let known: Vec<_> = self.lock().iter().map(of_users).collect();
            if !known.is_empty() {
                return known;
            }
            self.0.has_first.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Watched>> {
        self.0.of_users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    fn signal(&self) -> u64 {
        self.signal.load(Ordering::Acquire)
    }

    fn wake(&self) {
        self.signal.fetch_add(1, Ordering::AcqRel);
        self.moved.notify_waiters();
    }

    fn head(&self) -> MutexGuard<'_, Option<Head>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page with nothing behind it ends at the head. One stream that has seen it doesn't speak for the others: a later head
    /// than the known one is left to the next poll, which wakes all.
    fn saw(&self, page: &Changes) {
        if !page.has_more {
            self.saw_head(head_at(&page.cursor));
        }
    }

    fn saw_head(&self, Head { era, last }: Head) {
        let mut known = self.head();
        *known = match *known {
            None => Some(Head { era, last }),
            Some(known) if known.era != era => None,
            Some(known) => Some(Head { era, last: known.last.min(last) }),
        };
    }

    /// What streams read that are at this cursor, and were woken by this signal or an earlier one. `None` if that fails.
    fn read_shared(
        self: &Arc<Self>,
        tasks: &UserTasks,
        cursor: FeedCursor,
        signal: u64,
        limit: Limit,
    ) -> Shared<BoxFuture<'static, Option<Arc<Changes>>>> {
        let since = head_at(&cursor);
        let mut last = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = last.as_ref().filter(|read| read.signal == signal && read.since == since)
            && let Some(page) = read.page.upgrade()
        {
            return page;
        }
        let read = spawn(read(Arc::clone(self), tasks.clone(), Since::Cursor(cursor), limit));
        let page = async move { Some(Arc::new(read.await.ok()?.ok()?)) }.boxed().shared();
        *last = page.downgrade().map(|page| SharedRead { since, signal, page });
        page
    }
}

/// Reads a page, perhaps in another task: the trace is that of the caller.
fn read(
    feed: Arc<Feed>,
    tasks: UserTasks,
    since: Since,
    limit: Limit,
) -> impl Future<Output = Result<Changes>> + Send + 'static {
    let span = root_span!("changes");
    async move {
        let page = tasks.changes(&since, limit).instrument(span).await?;
        feed.saw(&page);
        Ok(page)
    }
}

/// One stream's view of its user's feed.
pub(super) struct Watch {
    /// The signal at the last read.
    seen: u64,
    feed: Arc<Feed>,
    user: Arc<str>,
    feeds: Feeds,
}

impl Watch {
    /// Waits until there may be something that wasn't there at the last read.
    pub(super) async fn changed(&mut self) {
        loop {
            // Hears of what happens from here on, before it is polled.
            let moved = self.feed.moved.notified();
            let signal = self.feed.signal();
            if std::mem::replace(&mut self.seen, signal) != signal {
                return;
            }
            moved.await;
        }
    }

    /// Reads a page.
    pub(super) async fn read(&mut self, tasks: &UserTasks, since: Since, limit: Limit) -> Result<Changes> {
        self.seen = self.feed.signal();
        // The first page belongs to the request that asked for the stream, later ones to none.
        let read = telemetry::in_current_spans(read(Arc::clone(&self.feed), tasks.clone(), since, limit));
        spawn(read).await.map_err(Error::internal)?
    }

    /// Reads the page behind a cursor that all earlier changes lie before: what the user's other streams read too.
    pub(super) async fn read_shared(
        &mut self,
        tasks: &UserTasks,
        cursor: FeedCursor,
        limit: Limit,
    ) -> Result<Arc<Changes>> {
        self.seen = self.feed.signal();
        match self.feed.read_shared(tasks, cursor, self.seen, limit).await {
            Some(page) => Ok(page),
            None => self.read(tasks, Since::Cursor(cursor), limit).await.map(Arc::new),
        }
    }
}

impl Drop for Watch {
    /// The last one out forgets the user.
    fn drop(&mut self) {
        let mut of_users = self.feeds.lock();
        if let Entry::Occupied(mut watched) = of_users.entry(Arc::clone(&self.user)) {
            watched.get_mut().streams -= 1;
            if watched.get().streams == 0 {
                watched.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn head((era, last): (i32, Option<i64>)) -> Head {
        Head { era, last }
    }

    #[tokio::test]
    async fn a_write_wakes_the_streams_of_its_user_and_no_others() {
        let feeds = Feeds::default();
        let (mut ann, mut twin) = (feeds.watch(&"ann".into()), feeds.watch(&"ann".into()));
        let mut bob = feeds.watch(&"bob".into());
        feeds.wrote("ann");
        feeds.wrote("nobody");
        assert!(ann.changed().now_or_never().is_some() && twin.changed().now_or_never().is_some());
        assert!(ann.changed().now_or_never().is_none(), "one write wakes once");
        assert!(bob.changed().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_poll_wakes_when_the_head_is_another_one() {
        let feeds = Feeds::default();
        let mut ann = feeds.watch(&"ann".into());
        let (before, after) = (Some(1), Some(2));
        // Before, after, a reset, and a database that was restored.
        for (polled, wakes) in [
            ((1, before), true),
            ((1, before), false),
            ((1, after), true),
            ((2, after), true),
            ((2, after), false),
            ((2, None), true),
        ] {
            feeds.polled("ann", head(polled));
            assert_eq!(ann.changed().now_or_never().is_some(), wakes, "{polled:?}");
        }
    }

    #[tokio::test]
    async fn a_head_that_one_stream_has_seen_still_wakes_the_others() {
        let (before, after) = (Some(1), Some(2));
        for (seen, polled, wakes) in [
            // All are at the head, then one of them sees the next one, in whatever order they are done.
            ([(1, before), (1, before)], (1, before), false),
            ([(1, before), (1, after)], (1, after), true),
            ([(1, after), (1, before)], (1, after), true),
            ([(1, before), (2, before)], (2, before), true),
        ] {
            let feeds = Feeds::default();
            let mut ann = feeds.watch(&"ann".into());
            for seen in seen {
                ann.feed.saw_head(head(seen));
            }
            feeds.polled("ann", head(polled));
            assert_eq!(ann.changed().now_or_never().is_some(), wakes, "{seen:?}, {polled:?}");
        }
    }

    #[tokio::test]
    async fn users_are_forgotten_when_their_last_stream_ends() {
        let feeds = Feeds::default();
        assert!(feeds.known().now_or_never().is_none());
        let (first, second) = (feeds.watch(&"ann".into()), feeds.watch(&"ann".into()));
        drop(first);
        assert_eq!(feeds.known().await, [WatchedFeed { user: "ann".into(), head: None }]);
        drop(second);
        assert!(feeds.lock().is_empty());
    }
}
