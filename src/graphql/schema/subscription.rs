//! The root field that goes on.

use async_graphql::{Context, Error, Subscription};
use futures::{Stream, StreamExt};

use super::{change::Changes, context::ContextExt, error::GraphqlError, inputs::feed_position};

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
    ) -> Result<impl Stream<Item = Result<Changes, Error>> + use<>, GraphqlError> {
        let since = feed_position(after)?;
        let pages = ctx.live()?.subscribe(ctx.tasks()?.clone(), since);
        Ok(pages.map(|page| page.map(Into::into).map_err(|error| GraphqlError::from(error).into())))
    }
}
