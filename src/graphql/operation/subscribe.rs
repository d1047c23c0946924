//! Subscriptions (specification, section 6.2.3): the source stream is created once, and the operation is executed for each
//! event. In between, only the source stream and what is needed to bind the operation again are kept.

use std::sync::Arc;

use async_graphql::{Request, Response, Value, Variables, parser::types::ExecutableDocument};
use futures::{FutureExt, StreamExt};

use super::{Execution, Reply};
use crate::{
    auth::CurrentUser,
    error::{Error, Result},
    graphql::{
        documents::Document,
        engine::Engine,
        plan::{BoundOperation, bind},
        schema::{Event, ResponseBudget, Source, request_error},
    },
    store::UserTasks,
    task::{Changes, Limit},
};

/// Executes a subscription's operation for each event.
pub(super) struct Subscriber {
    pub(super) document: Arc<Document>,
    /// The operation's name.
    pub(super) name: Option<String>,
    /// Coerced.
    pub(super) variables: Variables,
}

impl Subscriber {
    /// `CreateSourceEventStream` and `MapSourceToResponseEvent`.
    pub(super) async fn subscribe(
        self,
        engine: &Arc<Engine>,
        operation: BoundOperation,
        tasks: UserTasks,
    ) -> Execution {
        if let Some(error) = operation.failed.into_first() {
            return Execution::Reply(Reply::not_executed(vec![error]));
        }
        let source = Source::default();
        let user = tasks.user().clone();
        let request = request(operation.document).data(tasks).data(engine.live.clone()).data(source.clone());
        let response = first_response(engine, request).await;
        let Some(pages) = source.take() else {
            let internal = || vec![request_error(&Error::internal("a subscription without a source"))];
            let errors = response.map_or_else(internal, |response| Reply::from(response).errors);
            return Execution::Reply(Reply::not_executed(errors));
        };
        let subscriber = Arc::new((self, Arc::clone(engine), user));
        let replies = pages.enumerate().then(move |(index, page)| {
            let subscriber = Arc::clone(&subscriber);
            // Boxed, so that it takes no room between events.
            async move {
                let (subscriber, engine, user) = &*subscriber;
                // The first event was paid for with the request.
                subscriber.event(engine, Some(user).filter(|_| index > 0), page).await
            }
            .boxed()
        });
        Execution::Subscription(replies.boxed())
    }

    /// `ExecuteSubscriptionEvent`. The event is charged to this user.
    async fn event(&self, engine: &Engine, charged: Option<&CurrentUser>, page: Result<Arc<Changes>>) -> Reply {
        let page = match page {
            Ok(page) => page,
            Err(error) => return Reply::not_executed(vec![request_error(&error)]),
        };
        let plan = match self.document.plan(self.name.as_deref()) {
            Ok(plan) => plan,
            Err(error) => return Reply::not_executed(vec![error]),
        };
        let BoundOperation { document, cost, .. } = bind(plan, &self.variables);
        if let Some(user) = charged {
            // The cost is that of a whole page.
            let page_size = usize::try_from(Limit::STREAMED.get()).unwrap_or(usize::MAX);
            let values = cost.complexity.saturating_mul(page.items.len()) / page_size;
            engine.rate_limits.charge_event(user, values).await;
        }
        let budget = Arc::new(ResponseBudget::of_event(&engine.limits));
        let request = request(document).data(Event(page)).data(budget);
        let reply = Reply::from(first_response(engine, request).await.unwrap_or_default());
        // The root field is not nullable: without data, the event failed as a whole.
        if reply.data == Some(Value::Null) { Reply::not_executed(reply.errors) } else { reply }
    }
}

fn request(document: ExecutableDocument) -> Request {
    let mut request = Request::new(String::new());
    request.set_parsed_query(document);
    request
}

async fn first_response(engine: &Engine, request: Request) -> Option<Response> {
    engine.executor.execute_stream(request).next().await
}
