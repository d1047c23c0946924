//! One stream of changes.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{feeds::FeedReader, metrics};
use crate::{
    error::{Code, Result},
    store::UserTasks,
    task::{Changes, FeedCursor, Limit, Since},
};

/// Bounds of the back-off while the database is unavailable.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Subscription {
    reader: FeedReader,
    tasks: UserTasks,
    state: State,
}

enum State {
    /// Nothing was sent yet.
    Start(Since),
    /// Another page is available.
    Behind(FeedCursor),
    /// Everything was sent.
    AtHead(FeedCursor),
    /// An error was sent.
    Ended,
}

impl Subscription {
    pub(super) fn new(reader: FeedReader, tasks: UserTasks, since: Since) -> Self {
        Self { reader, tasks, state: State::Start(since) }
    }

    /// The next page, for [`futures::stream::unfold`], once the previous one was sent. Reads are boxed, so that a stream is
    /// small while it waits.
    pub(super) async fn next(mut self: Box<Self>) -> Option<(Result<Arc<Changes>>, Box<Self>)> {
        self.reader.end_page();
        let page = match self.state {
            State::Start(since) => {
                self.reader.begin_page().await;
                Box::pin(self.reader.read(&self.tasks, since, Limit::STREAMED)).await
            }
            State::Behind(cursor) => {
                self.reader.begin_page().await;
                Box::pin(self.read_on(cursor)).await
            }
            State::AtHead(_) => loop {
                self.reader.moved().await;
                self.reader.begin_page().await;
                if let Some(page) = Box::pin(self.read_news()).await {
                    break page;
                }
                self.reader.end_page();
            },
            State::Ended => return None,
        };
        if let Ok(page) = &page {
            metrics::read(page, matches!(self.state, State::AtHead(_)));
        }
        self.state = match page.as_deref() {
            Ok(Changes { cursor, has_more: true, .. }) => State::Behind(*cursor),
            Ok(Changes { cursor, .. }) => State::AtHead(*cursor),
            Err(_) => State::Ended,
        };
        Some((page, self))
    }

    async fn read_on(&mut self, cursor: FeedCursor) -> Result<Arc<Changes>> {
        let mut backoff = Backoff(MIN_PAUSE);
        loop {
            match self.reader.read(&self.tasks, Since::Cursor(cursor), Limit::STREAMED).await {
                Err(error) if error.code() == Code::ServiceUnavailable => backoff.pause().await,
                page => return page,
            }
        }
    }

    /// What is new behind the former head; `None` if nothing is.
    async fn read_news(&mut self) -> Option<Result<Arc<Changes>>> {
        let State::AtHead(cursor) = &mut self.state else { return None };
        let mut backoff = Backoff(MIN_PAUSE);
        loop {
            match self.reader.read_shared(&self.tasks, *cursor, Limit::STREAMED).await {
                Ok(page) if page.items.is_empty() && !page.reset => {
                    *cursor = page.cursor;
                    return None;
                }
                Err(error) if error.code() == Code::ServiceUnavailable => backoff.pause().await,
                page => return Some(page),
            }
        }
    }
}

/// The next pause, which doubles.
struct Backoff(Duration);

impl Backoff {
    async fn pause(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(MAX_PAUSE);
    }
}
