//! What async-graphql's socket runs operations with: the same planning and limits as over HTTP.

use std::sync::Arc;

use async_graphql::{Data, Executor, Request, Response, ServerError};
use futures::{
    FutureExt, StreamExt,
    stream::{BoxStream, once},
};

use super::{
    envelope::{Answer, Enclosed, parameters},
    init::Admission,
};
use crate::{
    error::{Code, Error, Result},
    graphql::{
        engine::Schema,
        operation::{Allowed, Started, start},
        schema::request_error,
    },
    store::Db,
};

/// The operations of one socket. Cheap to clone.
#[derive(Clone)]
pub(super) struct Operations(Arc<Inner>);

struct Inner {
    schema: Schema,
    db: Db,
    admission: Admission,
}

impl Operations {
    pub(super) fn new(schema: Schema, db: Db, admission: Admission) -> Self {
        Self(Arc::new(Inner { schema, db, admission }))
    }

    async fn start(self, request: Request) -> Result<Started> {
        let Enclosed::Parameters(payload) = Enclosed::open(request) else {
            let message = "The socket runs as many operations as it may (SOCKET_MAX_OPERATIONS)";
            return Err(Error::new(Code::TooManyStreams, message));
        };
        let Inner { schema, db, admission } = &*self.0;
        let Some(Ok(admitted)) = admission.get() else {
            return Err(Error::internal("an operation on a socket that nobody was let in on"));
        };
        let parameters = parameters(payload).map_err(|reason| Error::new(Code::BadUserInput, reason))?;
        let tasks = db.tasks(admitted.session.user().clone());
        start(schema, &tasks, parameters, Allowed { mutations: true, subscriptions: true }).await
    }
}

impl Executor for Operations {
    async fn execute(&self, request: Request) -> Response {
        self.execute_stream(request, None).next().await.unwrap_or_default()
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        // Boxed, so that what it takes to start is gone once it has.
        self.clone().start(request).boxed().map(answers).flatten_stream().boxed()
    }
}

/// What is sent for an operation.
fn answers(started: Result<Started>) -> BoxStream<'static, Response> {
    let refused = |errors: Vec<ServerError>| one(Answer::of(&Err(errors)));
    match started {
        Ok(Started::Done(reply)) => one(Answer::of(&Ok(reply))),
        Ok(Started::Subscribed(replies)) => replies.map(|reply| Answer::of(&reply)).boxed(),
        Ok(Started::Rejected(errors)) => refused(errors),
        Err(error) => refused(vec![request_error(&error)]),
    }
}

fn one(response: Response) -> BoxStream<'static, Response> {
    once(std::future::ready(response)).boxed()
}
