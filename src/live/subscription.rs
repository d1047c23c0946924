//! One stream: where it stands, and what it does when its client takes the next page.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{feeds::Watch, metrics};
use crate::{
    error::{Code, Result},
    store::UserTasks,
    task::{Changes, FeedCursor, Limit, Since},
};

/// The pause after a read that failed because the database is away, which doubles up to the longest.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Subscription {
    watch: Watch,
    tasks: UserTasks,
    place: Place,
}

/// Where a stream stands.
enum Place {
    /// Nothing was sent yet.
    Start(Since),
    /// There is more to send already.
    Behind(FeedCursor),
    /// Everything was sent.
    AtHead(FeedCursor),
    /// An error was sent.
    Ended,
}

impl Subscription {
    pub(super) fn new(watch: Watch, tasks: UserTasks, since: Since) -> Self {
        Self { watch, tasks, place: Place::Start(since) }
    }

    /// The next page, and this stream behind it. Boxed, and its reads are: what waits should be small.
    pub(super) async fn next(mut self: Box<Self>) -> Option<(Result<Changes>, Box<Self>)> {
        let page = match self.place {
            Place::Start(since) => Box::pin(self.watch.read(&self.tasks, since, Limit::STREAMED)).await,
            Place::Behind(cursor) => Box::pin(self.read_on(cursor)).await,
            Place::AtHead(_) => loop {
                self.watch.changed().await;
                if let Some(page) = Box::pin(self.read_news()).await {
                    break page;
                }
            },
            Place::Ended => return None,
        };
        if let Ok(page) = &page {
            metrics::read(page, matches!(self.place, Place::AtHead(_)));
        }
        self.place = match &page {
            Ok(Changes { cursor, has_more: true, .. }) => Place::Behind(*cursor),
            Ok(Changes { cursor, .. }) => Place::AtHead(*cursor),
            Err(_) => Place::Ended,
        };
        Some((page, self))
    }

    async fn read_on(&mut self, cursor: FeedCursor) -> Result<Changes> {
        let mut patience = Patience::default();
        loop {
            match self.watch.read(&self.tasks, Since::Cursor(cursor), Limit::STREAMED).await {
                Err(error) if error.code() == Code::ServiceUnavailable => patience.pause().await,
                page => return page,
            }
        }
    }

    /// What is behind the head that was the last one, if there is something to tell.
    async fn read_news(&mut self) -> Option<Result<Changes>> {
        let Place::AtHead(cursor) = &mut self.place else { return None };
        let mut patience = Patience::default();
        loop {
            match self.watch.read_shared(&self.tasks, *cursor, Limit::STREAMED).await {
                Ok(page) if page.items.is_empty() && !page.reset => {
                    *cursor = page.cursor;
                    return None;
                }
                Ok(page) => return Some(Ok(Arc::unwrap_or_clone(page))),
                Err(error) if error.code() == Code::ServiceUnavailable => patience.pause().await,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// How long to wait for a database that is away.
struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(MIN_PAUSE)
    }
}

impl Patience {
    async fn pause(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(MAX_PAUSE);
    }
}
