//! The subscription root (specification, section 6.2.3).

use std::sync::Arc;

use async_graphql::{Context, Subscription};
use futures::{Stream, StreamExt, stream};

use super::{
    context::ContextExt,
    error::GraphqlError,
    source::Event,
    types::change::{Changes, feed_position},
};

/// The subscription root.
pub(in crate::graphql) struct Subscription;

/// Subscriptions, with one root field each.
#[expect(clippy::unused_async, reason = "fields are asynchronous to async-graphql")]
#[Subscription]
impl Subscription {
    /// Changes to the user's tasks, in commit order. The first event arrives immediately; it is empty when nothing has
    /// changed. Later events are never empty.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The `cursor` of the last event, or `latest` to skip everything before now. If omitted, starts with all tasks."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Changes> + use<>, GraphqlError> {
        let page = match ctx.data_opt::<Event>() {
            Some(Event(page)) => Some(Arc::clone(page)),
            None => {
                let pages = ctx.live()?.subscribe(ctx.tasks()?.clone(), feed_position(after)?);
                ctx.source()?.put(pages.boxed());
                None
            }
        };
        Ok(stream::iter(page.map(Changes::from)))
    }
}
