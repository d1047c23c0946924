//! What async-graphql's socket runs operations with: the same planning and limits as over HTTP.

use std::sync::Arc;

use async_graphql::{Data, Executor, Request, Response};
use axum::http::StatusCode;
use futures::{
    FutureExt, StreamExt,
    stream::{BoxStream, once},
};

use super::{
    envelope::{Answer, Enclosed, parameters},
    init::Admission,
};
use crate::{
    auth::CurrentUser,
    error::{Code, Error, Result},
    graphql::{
        engine::Engine,
        operation::{Allowed, Execution, Replies, Reply, execute},
        schema::request_error,
        status,
    },
    http::streams::Connection,
    store::Db,
    telemetry::UpgradeRequest,
};

/// The operations of one socket. Cheap to clone.
#[derive(Clone)]
pub(super) struct Operations(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    db: Db,
    admission: Admission,
    origin: Arc<UpgradeRequest>,
}

impl Operations {
    pub(super) fn new(engine: Arc<Engine>, db: Db, admission: Admission, origin: Arc<UpgradeRequest>) -> Self {
        Self(Arc::new(Inner { engine, db, admission, origin }))
    }

    /// What is sent for an operation. The first answer is waited for here, as a part of what is observed.
    async fn run(self, request: Request) -> BoxStream<'static, Response> {
        let Inner { admission, origin, .. } = &*self.0;
        let Some(Ok(admitted)) = admission.get() else {
            let error = Error::internal("an operation on a socket that nobody was let in on");
            return one(Answer::of(&Reply::not_executed(vec![request_error(&error)])));
        };
        let user = admitted.session.user();
        let answers = Box::pin(async { Answers::of(self.start(request, user).await).await });
        let answers = origin.observe(user.shared_id(), answers, |answers| answers.status.as_u16()).await;
        let first = one(Answer::of(&answers.first));
        match answers.others {
            Some(others) => first.chain(others.map(|reply| Answer::of(&reply))).boxed(),
            None => first,
        }
    }

    async fn start(&self, request: Request, user: &CurrentUser) -> Result<Execution> {
        let Enclosed::Parameters(payload) = Enclosed::open(request) else {
            let message = "The socket runs as many operations as it may (SOCKET_MAX_OPERATIONS)";
            return Err(Error::new(Code::TooManyStreams, message));
        };
        let Inner { engine, db, .. } = &*self.0;
        let parameters = parameters(payload).map_err(|reason| Error::new(Code::BadUserInput, reason))?;
        let tasks = db.tasks(user.clone());
        let allowed = Allowed { mutations: true, subscriptions: true };
        execute(engine, &tasks, parameters, allowed, &Connection::default()).await
    }
}

impl Executor for Operations {
    async fn execute(&self, request: Request) -> Response {
        self.execute_stream(request, None).next().await.unwrap_or_default()
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        // Boxed, so that what it takes to start is gone once it has.
        self.clone().run(request).boxed().flatten_stream().boxed()
    }
}

/// What an operation came to.
struct Answers {
    first: Reply,
    /// Of the first one, as HTTP would have it.
    status: StatusCode,
    /// Those of a subscription.
    others: Option<Replies>,
}

impl Answers {
    async fn of(execution: Result<Execution>) -> Self {
        let (first, others) = match execution {
            Ok(Execution::Reply(reply)) => (reply, None),
            Ok(Execution::Subscription(mut replies)) => {
                (replies.next().await.unwrap_or_else(|| Reply::not_executed(Vec::new())), Some(replies))
            }
            Err(error) => {
                let first = Reply::not_executed(vec![request_error(&error)]);
                return Self { first, status: status::of_code(error.code()), others: None };
            }
        };
        Self { status: status::of_reply(&first), first, others }
    }
}

/// Boxed, so that it takes up no room once it was sent.
fn one(response: Response) -> BoxStream<'static, Response> {
    once(std::future::ready(response)).boxed()
}
