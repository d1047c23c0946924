//! Executes requests (specification, section 6.1): finds the document, checks the cost, coerces the variables, binds the
//! plan and has async-graphql run it.

use std::sync::Arc;

use async_graphql::{Request, Response, ServerError, parser::types::ExecutableDocument};
use futures::{future::join_all, stream::BoxStream};
use tracing::Instrument;

use super::{Parameters, Reply, subscribe::Repeatable};
use crate::{
    error::{Code, Error, Result},
    graphql::{
        documents::{DocumentRequest, TokenCount},
        engine::{Parts, Schema},
        error::{code, with_code},
        limits::{Cost, Limits},
        plan::Bound,
        schema::{ResponseBudget, request_error},
    },
    http::rate_limiting::{REQUEST_COST, change_cost},
    store::UserTasks,
    telemetry::{self, Limit, trace_span},
    timer::Timer,
};

/// How many field values of an answer cost a point.
const VALUES_PER_POINT: usize = 100;

/// Which operations a request may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) struct Allowed {
    /// A GET may be repeated and cached on its way.
    pub(in crate::graphql) mutations: bool,
    /// Not every response can go on.
    pub(in crate::graphql) subscriptions: bool,
}

/// What became of an operation.
pub(in crate::graphql) enum Started {
    /// It was not run.
    Rejected(Vec<ServerError>),
    /// It was run.
    Done(Reply),
    /// It goes on.
    Subscribed(Replies),
}

/// A reply for each event, or the errors because of which there are no more.
pub(in crate::graphql) type Replies = BoxStream<'static, Result<Reply, Vec<ServerError>>>;

/// Runs one operation, or starts it. An error is about the request as a whole.
pub(in crate::graphql) async fn start(
    schema: &Schema,
    tasks: &UserTasks,
    parameters: Parameters,
    allowed: Allowed,
    timer: &mut Timer,
) -> Result<Started> {
    let mut budget = Budget { parts: schema.parts(), spent: Cost::default(), is_batch: false };
    let prepared = budget.prepare(parameters, allowed);
    budget.charge(tasks)?;
    match prepared {
        Ok(BoundOperation { bound, repeatable: Some(repeatable) }) => {
            Ok(repeatable.subscribe(schema, bound, tasks.clone()).await)
        }
        Ok(operation) => Ok(Started::Done(operation.run(schema.parts(), tasks, timer).await)),
        Err(Rejected::Operation(errors)) => Ok(Started::Rejected(errors)),
        Err(Rejected::Request(error)) => Err(error),
    }
}

/// Runs a batch concurrently, or nothing of it if its operations together exceed a limit.
pub(in crate::graphql) async fn run_many(
    schema: &Schema,
    tasks: &UserTasks,
    batch: Vec<Parameters>,
) -> Result<Vec<Reply>> {
    let parts = schema.parts();
    let mut budget = Budget { parts, spent: Cost::default(), is_batch: false };
    let prepared = budget.prepare_all(batch);
    budget.charge(tasks)?;
    let replies = prepared?.into_iter().enumerate().map(|(index, operation)| async move {
        match operation {
            Ok(operation) => operation.run(parts, &tasks.operation(index), &mut Timer::default()).await,
            Err(reply) => reply,
        }
    });
    Ok(join_all(replies).await)
}

/// Why an operation is not run.
enum Rejected {
    /// The operation itself is invalid.
    Operation(Vec<ServerError>),
    /// The whole request is refused, with all other operations of its batch.
    Request(Error),
}

impl From<ServerError> for Rejected {
    fn from(error: ServerError) -> Self {
        Self::Operation(vec![error])
    }
}

impl From<Vec<ServerError>> for Rejected {
    fn from(errors: Vec<ServerError>) -> Self {
        Self::Operation(errors)
    }
}

/// The cost of a request so far.
struct Budget<'a> {
    parts: &'a Parts,
    spent: Cost,
    /// Whether this is a later operation of a batch.
    is_batch: bool,
}

impl Budget<'_> {
    /// Takes what the request costs from its user's quota: a root field costs as much as a request to REST.
    fn charge(&self, tasks: &UserTasks) -> Result<()> {
        let points = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let fields = points(self.spent.root_fields.max(1)).saturating_mul(REQUEST_COST);
        let values = points(self.spent.complexity / VALUES_PER_POINT);
        let cost = fields.saturating_add(values).saturating_add(change_cost(self.spent.changes));
        self.parts.rate_limits.charge(tasks.user(), cost)
    }

    /// Fails if the batch is refused as a whole.
    fn prepare_all(&mut self, batch: Vec<Parameters>) -> Result<Vec<Result<BoundOperation, Reply>>> {
        let (count, limit) = (batch.len(), self.parts.limits.batch);
        if count > limit {
            let message = format!("The batch has {count} operations, the limit (GRAPHQL_MAX_BATCH) is {limit}");
            return Err(Error::new(Code::BadUserInput, message));
        }
        let mut operations = Vec::with_capacity(count);
        for parameters in batch {
            match self.prepare(parameters, Allowed { mutations: true, subscriptions: false }) {
                Err(Rejected::Request(error)) => return Err(error),
                Err(Rejected::Operation(errors)) => operations.push(Err(Reply::not_run(errors))),
                Ok(operation) => operations.push(Ok(operation)),
            }
            self.is_batch = true;
        }
        Ok(operations)
    }

    fn prepare(&mut self, parameters: Parameters, allowed: Allowed) -> Result<BoundOperation, Rejected> {
        let Parts { persisted, documents, definitions, limits, .. } = self.parts;
        let hash = parameters.persisted_hash();
        let wanted = DocumentRequest { text: parameters.query, id: parameters.document_id, hash };
        let Some(named) = persisted.find(wanted)? else {
            return Err(Rejected::Request(Error::new(Code::BadUserInput, "The request has no `query`")));
        };
        let document = documents.get(&named.text, definitions, limits);
        self.spend(match &document {
            Ok(document) => document.cost,
            // An invalid document was work too.
            Err(_) => Cost { tokens: TokenCount::of(&named.text).tokens, ..Cost::default() },
        })?;
        let document = document?;
        persisted.keep(&named);
        let plan = document.plan(parameters.operation_name.as_deref().filter(|name| !name.is_empty()))?;
        telemetry::note_operation(plan.root_field());
        if plan.is_mutation() && !allowed.mutations {
            let message = "Send mutations with POST";
            return Err(Rejected::Request(Error::new(Code::MethodNotAllowed, message)));
        }
        if plan.is_subscription() && !allowed.subscriptions {
            let message = "Subscribe through a WebSocket, or accept text/event-stream";
            return Err(Rejected::Request(Error::new(Code::NotAcceptable, message)));
        }
        let variables = plan.coerce(definitions, parameters.variables)?;
        let bound = plan.bind(&variables);
        self.spend(bound.cost)?;
        let name = plan.name().map(ToOwned::to_owned);
        let repeatable =
            plan.is_subscription().then(|| Repeatable { document: Arc::clone(&document), name, variables });
        Ok(BoundOperation { bound, repeatable })
    }

    /// A batch is refused as a whole.
    fn spend(&mut self, cost: Cost) -> Result<(), Rejected> {
        self.spent += cost;
        self.parts.limits.check(&self.spent).map_err(|reason| {
            telemetry::limit_hit(Limit::Cost);
            let error = Error::new(Code::GraphqlValidationFailed, reason);
            if self.is_batch { Rejected::Request(error) } else { request_error(&error).into() }
        })
    }
}

/// An operation that is ready to run.
struct BoundOperation {
    bound: Bound,
    /// Of a subscription.
    repeatable: Option<Repeatable>,
}

impl BoundOperation {
    /// On a timeout the operation is dropped: its remaining fields are not resolved, and a running read is cancelled.
    async fn run(self, parts: &Parts, tasks: &UserTasks, timer: &mut Timer) -> Reply {
        let (limits, Bound { document, failures, .. }) = (&parts.limits, self.bound);
        let request = request(document, tasks, limits);
        // In a box: it is large, and would be moved by what is around it.
        let execution = Box::pin(parts.executor.execute(request)).instrument(trace_span!("graphql operation"));
        let Some(response) = timer.limit(limits.timeout, execution).await else {
            let message = format!("The operation timed out (GRAPHQL_TIMEOUT is {:?})", limits.timeout);
            return Reply::failed(request_error(&Error::new(Code::Timeout, message)));
        };
        let mut reply = to_reply(response);
        if let Some(data) = &mut reply.data {
            failures.complete(data, &mut reply.errors);
        }
        reply
    }
}

/// Apart from the future that runs it, which would keep all that is used here.
fn request(document: ExecutableDocument, tasks: &UserTasks, limits: &Limits) -> Request {
    let mut request = Request::new(String::new()).data(tasks.clone()).data(ResponseBudget::new(limits.response));
    request.set_parsed_query(document);
    request
}

pub(super) fn to_reply(response: Response) -> Reply {
    let mut errors = response.errors;
    for error in errors.iter_mut().filter(|error| code(error).is_none()) {
        // Only async-graphql makes errors without a code, for arguments it can't read.
        error.extensions = Some(with_code(Code::BadUserInput));
    }
    Reply { data: Some(response.data), errors }
}
