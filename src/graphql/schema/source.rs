//! How a subscription's root field passes its source stream out, and gets an event in. async-graphql would keep an execution
//! for as long as the subscription; here the field is resolved once for the source stream, and once for each event.

use std::sync::Arc;

use futures::stream::BoxStream;
use parking_lot::Mutex;

use crate::{error::Result, task::Changes};

/// The source stream: pages of the change feed.
pub(super) type Pages = BoxStream<'static, Result<Arc<Changes>>>;

/// Where the root field puts its source stream.
#[derive(Clone, Default)]
pub(in crate::graphql) struct Source(Arc<Mutex<Option<Pages>>>);

impl Source {
    pub(super) fn put(&self, pages: Pages) {
        *self.0.lock() = Some(pages);
    }

    /// `None` if the field failed.
    pub(in crate::graphql) fn take(&self) -> Option<Pages> {
        self.0.lock().take()
    }
}

/// The page that the root field resolves to.
pub(in crate::graphql) struct Event(pub(in crate::graphql) Arc<Changes>);
