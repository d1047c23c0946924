//! The root field that goes on. It is resolved once to make the source of its events, and again for each event
//! (specification, section 6.2.3): async-graphql would keep an execution for as long as the subscription.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Subscription};
use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};

use super::{
    context::ContextExt,
    error::GraphqlError,
    types::{change::Changes, inputs::feed_position},
};
use crate::{error::Result, task};

/// The pages that a subscription's events are made of.
type Pages = BoxStream<'static, Result<task::Changes>>;

/// Where the root field puts the source it makes.
#[derive(Clone, Default)]
pub(in crate::graphql) struct Source(Arc<Mutex<Option<Pages>>>);

impl Source {
    /// What was made, if anything was.
    pub(in crate::graphql) fn take(&self) -> Option<Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, pages: Pages) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(pages);
    }
}

/// The page that an event is made of.
pub(in crate::graphql) struct Event(Mutex<Option<task::Changes>>);

impl Event {
    pub(in crate::graphql) fn new(page: task::Changes) -> Self {
        Self(Mutex::new(Some(page)))
    }

    fn take(&self) -> Option<task::Changes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The root of subscriptions.
pub(in crate::graphql) struct Subscription;

/// Subscriptions, with one root field each.
#[expect(clippy::unused_async, reason = "fields are asynchronous to async-graphql")]
#[Subscription]
impl Subscription {
    /// What happens to the user's tasks, in the order in which it is committed. The first event comes at once, and is empty
    /// if there is nothing to tell; later ones come when there is something.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The `cursor` of the last event; `latest` for what happens from now on. Everything if omitted."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Changes> + use<>, GraphqlError> {
        let page = match ctx.data_opt::<Event>() {
            Some(event) => event.take(),
            None => {
                let pages = ctx.live()?.subscribe(ctx.tasks()?.clone(), feed_position(after)?);
                ctx.source()?.put(pages.boxed());
                None
            }
        };
        Ok(stream::iter(page.map(Changes::from)))
    }
}
