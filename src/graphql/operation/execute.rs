//! Executes requests (specification, section 6.1): find the document, check its cost, coerce the variables, bind them, and
//! have async-graphql execute the result.

use std::sync::Arc;

use async_graphql::{
    Request, ServerError,
    parser::types::{ExecutableDocument, OperationType},
};
use futures::future::join_all;
use tracing::Instrument;

use super::{Execution, Parameters, Reply, subscribe::Subscriber};
use crate::{
    error::{Code, Error, Result},
    graphql::{
        documents::{DocumentRef, TokenCount},
        engine::Engine,
        limits::Cost,
        plan::{BoundOperation, bind, coerce_variables},
        schema::{ResponseBudget, request_error},
    },
    http::{
        rate_limiting::{REQUEST_COST, change_cost, values_cost},
        streams::Connection,
    },
    store::UserTasks,
    telemetry::{self, Limit, trace_span},
};

/// What the transport allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) struct Allowed {
    /// Not in a GET, which may be repeated and cached.
    pub(in crate::graphql) mutations: bool,
    /// Whether it can stream.
    pub(in crate::graphql) subscriptions: bool,
}

/// Executes one operation. An error concerns the request as a whole.
pub(in crate::graphql) async fn execute(
    engine: &Arc<Engine>,
    tasks: &UserTasks,
    parameters: Parameters,
    allowed: Allowed,
    connection: &Connection,
) -> Result<Execution> {
    let mut preparation = Preparation::begin(engine, tasks)?;
    let prepared = preparation.prepare(parameters, allowed);
    preparation.charge(tasks)?;
    match prepared {
        Ok(Prepared { operation, subscriber: None }) => {
            let budget = Arc::new(ResponseBudget::of_response(&engine.limits));
            Ok(Execution::Reply(run(engine, operation, tasks, budget, connection).await))
        }
        Ok(Prepared { operation, subscriber: Some(subscriber) }) => {
            Ok(subscriber.subscribe(engine, operation, tasks.clone()).await)
        }
        Err(Failure::Operation(errors)) => Ok(Execution::Reply(Reply::not_executed(errors))),
        Err(Failure::Request(error)) => Err(error),
    }
}

/// Executes the operations of a batch concurrently, or none if they exceed a limit together.
pub(in crate::graphql) async fn execute_batch(
    engine: &Arc<Engine>,
    tasks: &UserTasks,
    batch: Vec<Parameters>,
    connection: &Connection,
) -> Result<Vec<Reply>> {
    let (count, limit) = (batch.len(), engine.limits.batch);
    let mut preparation = Preparation::begin(engine, tasks)?;
    if count > limit {
        let message = format!("The batch has {count} operations, the limit (GRAPHQL_MAX_BATCH) is {limit}");
        return Err(Error::new(Code::BadUserInput, message));
    }
    let mut prepared = Vec::with_capacity(count);
    let mut failed = Ok(());
    for parameters in batch {
        match preparation.prepare(parameters, Allowed { mutations: true, subscriptions: false }) {
            Ok(operation) => prepared.push(Ok(operation)),
            Err(Failure::Operation(errors)) => prepared.push(Err(Reply::not_executed(errors))),
            Err(Failure::Request(error)) => {
                failed = Err(error);
                break;
            }
        }
        preparation.is_batch = true;
    }
    preparation.charge(tasks)?;
    failed?;
    let budget = Arc::new(ResponseBudget::of_response(&engine.limits));
    let replies = prepared.into_iter().enumerate().map(|(index, prepared)| {
        let budget = Arc::clone(&budget);
        async move {
            match prepared {
                Ok(Prepared { operation, .. }) => {
                    run(engine, operation, &tasks.operation(index), budget, connection).await
                }
                Err(reply) => reply,
            }
        }
    });
    Ok(join_all(replies).await)
}

/// Why an operation is not executed.
enum Failure {
    /// It is invalid itself.
    Operation(Vec<ServerError>),
    /// The request fails as a whole, with all operations of its batch.
    Request(Error),
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Self::Operation(vec![error])
    }
}

impl From<Vec<ServerError>> for Failure {
    fn from(errors: Vec<ServerError>) -> Self {
        Self::Operation(errors)
    }
}

/// An operation that is ready to be executed.
struct Prepared {
    operation: BoundOperation,
    /// Of a subscription.
    subscriber: Option<Subscriber>,
}

/// Prepares the operations of one request and adds up their cost.
struct Preparation<'a> {
    engine: &'a Engine,
    spent: Cost,
    /// Whether another operation came before.
    is_batch: bool,
}

impl<'a> Preparation<'a> {
    /// Charges the user for as much as any request costs, before anything is read of it: users who have nothing left must not
    /// have their documents parsed.
    fn begin(engine: &'a Engine, tasks: &UserTasks) -> Result<Self> {
        engine.rate_limits.charge(tasks.user(), REQUEST_COST)?;
        Ok(Self { engine, spent: Cost::default(), is_batch: false })
    }

    /// Charges the user for the rest. A root field costs as much as a REST request.
    fn charge(&self, tasks: &UserTasks) -> Result<()> {
        let fields = u32::try_from(self.spent.root_fields.max(1)).unwrap_or(u32::MAX).saturating_mul(REQUEST_COST);
        let values = values_cost(self.spent.complexity);
        let cost = fields.saturating_add(values).saturating_add(change_cost(self.spent.changes));
        self.engine.rate_limits.charge_rest(tasks.user(), cost, REQUEST_COST)
    }

    fn prepare(&mut self, parameters: Parameters, allowed: Allowed) -> Result<Prepared, Failure> {
        let Engine { persisted, documents, definitions, limits, .. } = self.engine;
        let hash = parameters.persisted_hash();
        let wanted = DocumentRef { text: parameters.query, id: parameters.document_id, hash };
        let Some(found) = persisted.find(wanted)? else {
            return Err(Failure::Request(Error::new(Code::BadUserInput, "The request has no `query`")));
        };
        let document = documents.get(&found.text, definitions, limits);
        self.spend(match &document {
            Ok(document) => document.cost,
            // Rejecting a document is work, too.
            Err(_) => Cost { tokens: TokenCount::of(&found.text).tokens, ..Cost::default() },
        })?;
        let document = document?;
        persisted.persist(&found);
        let plan = document.plan(parameters.operation_name.as_deref().filter(|name| !name.is_empty()))?;
        telemetry::note_operation(&plan.root_field);
        if plan.operation_type == OperationType::Mutation && !allowed.mutations {
            let message = "Send mutations with POST";
            return Err(Failure::Request(Error::new(Code::MethodNotAllowed, message)));
        }
        let is_subscription = plan.operation_type == OperationType::Subscription;
        if is_subscription && !allowed.subscriptions {
            let message = "Subscribe through a WebSocket, or accept text/event-stream";
            return Err(Failure::Request(Error::new(Code::NotAcceptable, message)));
        }
        let variables = coerce_variables(definitions, plan, parameters.variables)?;
        let operation = bind(plan, &variables);
        self.spend(operation.cost)?;
        let subscriber =
            is_subscription.then(|| Subscriber { document: Arc::clone(&document), name: plan.name.clone(), variables });
        Ok(Prepared { operation, subscriber })
    }

    /// Checks the limits. A batch that exceeds one fails as a whole.
    fn spend(&mut self, cost: Cost) -> Result<(), Failure> {
        self.spent += cost;
        self.engine.limits.check(&self.spent).map_err(|message| {
            telemetry::limit_hit(Limit::Cost);
            let error = Error::new(Code::GraphqlValidationFailed, message);
            if self.is_batch { Failure::Request(error) } else { request_error(&error).into() }
        })
    }
}

/// Executes a query or a mutation. After a timeout no more fields are resolved, and a running query is cancelled.
async fn run(
    engine: &Engine,
    operation: BoundOperation,
    tasks: &UserTasks,
    budget: Arc<ResponseBudget>,
    connection: &Connection,
) -> Reply {
    let BoundOperation { document, failed, .. } = operation;
    let request = request(document, tasks, budget);
    // Boxed: it is large, and the futures around would move it.
    let execution = Box::pin(engine.executor.execute(request)).instrument(trace_span!("graphql operation"));
    let mut timer = connection.timer();
    let response = timer.limit(engine.limits.timeout, execution).await;
    connection.keep(timer);
    let Some(response) = response else {
        let message = format!("The operation timed out (GRAPHQL_TIMEOUT is {:?})", engine.limits.timeout);
        return Reply::failed(request_error(&Error::new(Code::Timeout, message)));
    };
    let mut reply = Reply::from(response);
    if let Some(data) = &mut reply.data {
        failed.complete(data, &mut reply.errors);
    }
    reply
}

/// A function of its own: the future of [`run`] would keep its locals.
fn request(document: ExecutableDocument, tasks: &UserTasks, budget: Arc<ResponseBudget>) -> Request {
    let mut request = Request::new(String::new()).data(tasks.clone()).data(budget);
    request.set_parsed_query(document);
    request
}
