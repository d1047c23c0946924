//! Subscriptions (specification, section 6.2.3): the source of the events is made once, and the operation executed for
//! each of them. In between, nothing is kept but the source and what makes the operation anew.

use std::{future::ready, sync::Arc};

use async_graphql::{Request, Response, ServerError, Value, Variables, parser::types::ExecutableDocument};
use futures::{FutureExt, StreamExt};

use super::{
    Reply,
    execute::{Started, to_reply},
};
use crate::{
    error::{Error, Result},
    graphql::{
        documents::Document,
        engine::{Parts, Schema},
        plan::Bound,
        schema::{Event, Source, request_error},
    },
    store::UserTasks,
    task::Changes,
};

/// A subscription that can be executed any number of times.
pub(super) struct Repeatable {
    pub(super) document: Arc<Document>,
    pub(super) name: Option<String>,
    /// Coerced.
    pub(super) variables: Variables,
}

impl Repeatable {
    /// `CreateSourceEventStream` and `MapSourceToResponseEvent`.
    pub(super) async fn subscribe(self, schema: &Schema, bound: Bound, tasks: UserTasks) -> Started {
        let parts = schema.parts();
        if let Some(error) = bound.failures.into_first() {
            return Started::Rejected(vec![error]);
        }
        let source = Source::default();
        let request = request(bound.document).data(tasks).data(parts.live.clone()).data(source.clone());
        let refused = first_response(parts, request).await;
        let Some(pages) = source.take() else {
            let internal = || vec![request_error(&Error::internal("a subscription without a source"))];
            return Started::Rejected(refused.map_or_else(internal, |response| to_reply(response).errors));
        };
        let repeatable = Arc::new((self, schema.clone()));
        let events = pages.then(move |page| {
            let repeatable = Arc::clone(&repeatable);
            // Boxed, so that it takes up no room until there is an event.
            async move { repeatable.0.event(&repeatable.1, page).await }.boxed()
        });
        let until_failed = |failed: &mut bool, event: Result<Reply, Vec<ServerError>>| {
            let was_last = std::mem::replace(failed, event.is_err());
            ready((!was_last).then_some(event))
        };
        Started::Subscribed(events.scan(false, until_failed).boxed())
    }

    /// `ExecuteSubscriptionEvent`. There is no budget of bytes: each event is bounded by its cost.
    async fn event(&self, schema: &Schema, page: Result<Changes>) -> Result<Reply, Vec<ServerError>> {
        let page = page.map_err(|error| vec![request_error(&error)])?;
        let plan = self.document.plan(self.name.as_deref()).map_err(|error| vec![error])?;
        let request = request(plan.bind(&self.variables).document).data(Event::new(page));
        let reply = to_reply(first_response(schema.parts(), request).await.unwrap_or_default());
        // The root field is not nullable: without data, the event failed as a whole.
        if reply.data == Some(Value::Null) { Err(reply.errors) } else { Ok(reply) }
    }
}

fn request(document: ExecutableDocument) -> Request {
    let mut request = Request::new(String::new());
    request.set_parsed_query(document);
    request
}

async fn first_response(parts: &Parts, request: Request) -> Option<Response> {
    parts.executor.execute_stream(request).next().await
}
