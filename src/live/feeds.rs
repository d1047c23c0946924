//! The feeds that have streams on this server.
//!
//! A client may leave its stream unpolled at any point, so reads run in tasks of their own: otherwise it would hold a
//! connection to the database, or a page that other streams wait for.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::TryFutureExt;
use parking_lot::Mutex;
use tokio::{
    spawn,
    sync::{Notify, OnceCell, OwnedSemaphorePermit, Semaphore},
};
use tracing::Instrument;

use crate::{
    error::{Error, Result},
    store::{Head, UserTasks, WatchedFeed},
    task::{Changes, FeedCursor, Limit, Since},
    telemetry::{self, root_span},
};

/// How many pages of one user may be on their way to clients at a time, however many streams the user has.
const MAX_PAGES: usize = 16;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Feeds(Arc<Inner>);

#[derive(Default)]
struct Inner {
    by_user: Mutex<HashMap<Arc<str>, OpenFeed>>,
    not_empty: Notify,
}

#[derive(Default)]
struct OpenFeed {
    feed: Arc<Feed>,
    streams: usize,
}

/// One user's feed, shared by the user's streams. A counter and a `Notify`, because a `watch` channel is three times as
/// large, and most users have one stream.
#[derive(Default)]
struct Feed {
    /// Incremented when there may be something to read.
    signal: AtomicU64,
    /// Notified of each increment.
    moved: Notify,
    /// The latest head that all streams are known to have read.
    head: Mutex<Option<Head>>,
    latest: Mutex<Option<SharedRead>>,
    pages: Pages,
}

/// Permits for pages.
struct Pages(Arc<Semaphore>);

impl Default for Pages {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_PAGES)))
    }
}

/// A read that streams at one position share. It lives as long as one of them waits for it, or sends it.
struct SharedRead {
    since: Head,
    signal: u64,
    page: Weak<OnceCell<Arc<Changes>>>,
}

/// The head of a feed that was read up to this cursor.
fn head_at(cursor: &FeedCursor) -> Head {
    Head { era: cursor.era(), last: cursor.number() }
}

impl Feeds {
    /// Opens one more stream of this user.
    pub(super) fn open(&self, user: &Arc<str>) -> FeedReader {
        let mut by_user = self.0.by_user.lock();
        if by_user.is_empty() {
            self.0.not_empty.notify_one();
        }
        let open = by_user.entry(Arc::clone(user)).or_default();
        open.streams += 1;
        let feed = Arc::clone(&open.feed);
        FeedReader { seen: feed.signal(), feed, user: Arc::clone(user), feeds: self.clone(), page: None, shared: None }
    }

    /// Wakes the user's streams after a write, which may have failed.
    pub(super) fn wrote(&self, user: &str) {
        if let Some(open) = self.0.by_user.lock().get(user) {
            open.feed.wake();
        }
    }

    /// Wakes the user's streams unless all of them are known to have read this head.
    pub(super) fn polled(&self, user: &str, head: Head) {
        if let Some(open) = self.0.by_user.lock().get(user)
            && open.feed.head.lock().replace(head) != Some(head)
        {
            open.feed.wake();
        }
    }

    /// All feeds, once there are any.
    pub(super) async fn watched(&self) -> Vec<WatchedFeed> {
        let watched =
            |(user, open): (&Arc<str>, &OpenFeed)| WatchedFeed { user: Arc::clone(user), head: *open.feed.head.lock() };
        loop {
            let feeds: Vec<_> = self.0.by_user.lock().iter().map(watched).collect();
            if !feeds.is_empty() {
                return feeds;
            }
            self.0.not_empty.notified().await;
        }
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

    /// One stream has read up to this head. That says nothing of the others, so a later head than the known one is left to
    /// the next poll, which wakes all of them.
    fn read_up_to(&self, Head { era, last }: Head) {
        let mut known = self.head.lock();
        *known = match *known {
            None => Some(Head { era, last }),
            Some(known) if known.era != era => None,
            Some(known) => Some(Head { era, last: known.last.min(last) }),
        };
    }

    /// The page behind this head, for all streams there that were woken by this signal.
    fn shared_page(&self, since: Head, signal: u64) -> Arc<OnceCell<Arc<Changes>>> {
        let mut latest = self.latest.lock();
        if let Some(read) = latest.as_ref().filter(|read| read.signal == signal && read.since == since)
            && let Some(page) = read.page.upgrade()
        {
            return page;
        }
        let page = Arc::default();
        *latest = Some(SharedRead { since, signal, page: Arc::downgrade(&page) });
        page
    }
}

/// Reads a page, perhaps in another task. It is traced in the caller's span.
fn read(
    feed: Arc<Feed>,
    tasks: UserTasks,
    since: Since,
    limit: Limit,
) -> impl Future<Output = Result<Arc<Changes>>> + Send + 'static {
    let span = root_span!("changes");
    async move {
        let page = tasks.changes(&since, limit).instrument(span).await?;
        if !page.has_more {
            feed.read_up_to(head_at(&page.cursor));
        }
        Ok(Arc::new(page))
    }
}

/// One stream's access to its user's feed.
pub(super) struct FeedReader {
    /// The signal at the last read.
    seen: u64,
    feed: Arc<Feed>,
    user: Arc<str>,
    feeds: Feeds,
    /// For a page that is read, or being sent.
    page: Option<OwnedSemaphorePermit>,
    /// Of that page, if others read it, too.
    shared: Option<Arc<OnceCell<Arc<Changes>>>>,
}

impl FeedReader {
    /// Waits until one more page of the user may be read.
    pub(super) async fn begin_page(&mut self) {
        // It is never closed.
        self.page = Arc::clone(&self.feed.pages.0).acquire_owned().await.ok();
    }

    /// The page has been sent, or there is none.
    pub(super) fn end_page(&mut self) {
        (self.page, self.shared) = (None, None);
    }

    /// Waits until there may be something new since the last read.
    pub(super) async fn moved(&mut self) {
        loop {
            // Receives notifications from here on, before it is polled.
            let moved = self.feed.moved.notified();
            let signal = self.feed.signal();
            if std::mem::replace(&mut self.seen, signal) != signal {
                return;
            }
            moved.await;
        }
    }

    pub(super) async fn read(&mut self, tasks: &UserTasks, since: Since, limit: Limit) -> Result<Arc<Changes>> {
        self.seen = self.feed.signal();
        // The first page is traced with the request that opened the stream, later ones on their own.
        let read = telemetry::in_current_spans(read(Arc::clone(&self.feed), tasks.clone(), since, limit));
        spawn(read).await.map_err(Error::internal)?
    }

    /// Reads the page behind the former head, once for all of the user's streams there.
    pub(super) async fn read_shared(
        &mut self,
        tasks: &UserTasks,
        cursor: FeedCursor,
        limit: Limit,
    ) -> Result<Arc<Changes>> {
        self.seen = self.feed.signal();
        let page = self.feed.shared_page(head_at(&cursor), self.seen);
        self.shared = Some(Arc::clone(&page));
        let read = read(Arc::clone(&self.feed), tasks.clone(), Since::Cursor(cursor), limit);
        let shared = async move { page.get_or_try_init(|| read).map_ok(Arc::clone).await };
        spawn(shared).await.map_err(Error::internal)?
    }
}

impl Drop for FeedReader {
    fn drop(&mut self) {
        let mut by_user = self.feeds.0.by_user.lock();
        if let Entry::Occupied(mut open) = by_user.entry(Arc::clone(&self.user)) {
            open.get_mut().streams -= 1;
            if open.get().streams == 0 {
                open.remove();
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
        let (mut ann, mut twin) = (feeds.open(&"ann".into()), feeds.open(&"ann".into()));
        let mut bob = feeds.open(&"bob".into());
        feeds.wrote("ann");
        feeds.wrote("nobody");
        assert!(ann.moved().now_or_never().is_some() && twin.moved().now_or_never().is_some());
        assert!(ann.moved().now_or_never().is_none(), "one write wakes once");
        assert!(bob.moved().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_poll_wakes_when_the_head_is_another_one() {
        let feeds = Feeds::default();
        let mut ann = feeds.open(&"ann".into());
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
            assert_eq!(ann.moved().now_or_never().is_some(), wakes, "{polled:?}");
        }
    }

    #[tokio::test]
    async fn a_head_that_one_stream_has_read_still_wakes_the_others() {
        let (before, after) = (Some(1), Some(2));
        for (seen, polled, wakes) in [
            // All are at the head, then one of them sees the next one, in whatever order they are done.
            ([(1, before), (1, before)], (1, before), false),
            ([(1, before), (1, after)], (1, after), true),
            ([(1, after), (1, before)], (1, after), true),
            ([(1, before), (2, before)], (2, before), true),
        ] {
            let feeds = Feeds::default();
            let mut ann = feeds.open(&"ann".into());
            for seen in seen {
                ann.feed.read_up_to(head(seen));
            }
            feeds.polled("ann", head(polled));
            assert_eq!(ann.moved().now_or_never().is_some(), wakes, "{seen:?}, {polled:?}");
        }
    }

    #[tokio::test]
    async fn users_are_forgotten_when_their_last_stream_ends() {
        let feeds = Feeds::default();
        assert!(feeds.watched().now_or_never().is_none());
        let (first, second) = (feeds.open(&"ann".into()), feeds.open(&"ann".into()));
        drop(first);
        assert_eq!(feeds.watched().await, [WatchedFeed { user: "ann".into(), head: None }]);
        drop(second);
        assert!(feeds.0.by_user.lock().is_empty());
    }
}
