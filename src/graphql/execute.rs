//! From the parameters of an operation to its result: document, budget, variables, and then the resolvers.

use std::sync::Arc;

use async_graphql::{
    Name, Request, ServerError, Value, Variables,
    indexmap::IndexMap,
    parser::types::{OperationDefinition, OperationType},
};
use futures::future::join_all;
use tokio::time::timeout;

use super::{
    documents::{Prepared, TokenCount},
    error::{code, faulty, request_error, with_code},
    http::{Parameters, Reply},
    limits::Cost,
    plan::{null_propagation::complete, omitted, variables::coerce},
    schema::{Parts, Schema},
};
use crate::{
    error::{Code, Error, Result},
    store::UserTasks,
};

/// Which operations a request may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Any.
    All,
    /// Those that change nothing: a GET is repeated and stored by whatever it passes.
    Queries,
}

/// Runs one operation. The error is about the request as a whole.
pub(super) async fn run_one(
    schema: &Schema,
    tasks: &UserTasks,
    parameters: Parameters,
    allowed: Allowed,
) -> Result<Reply> {
    let mut budget = Budget { parts: schema.parts(), spent: Cost::default() };
    match budget.plan(parameters, allowed).await {
        Ok(plan) => Ok(plan.run(schema.parts(), tasks).await),
        Err(Refusal::Operation(errors)) => Ok(Reply::not_run(errors)),
        Err(Refusal::Request(error)) => Err(error),
    }
}

/// Runs a batch side by side. Nothing is run if all of it together costs too much.
pub(super) async fn run_many(schema: &Schema, tasks: &UserTasks, batch: Vec<Parameters>) -> Result<Vec<Reply>> {
    let parts = schema.parts();
    if batch.len() > parts.limits.batch {
        let (count, limit) = (batch.len(), parts.limits.batch);
        let message = format!("The batch has {count} operations, the limit (GRAPHQL_MAX_BATCH) is {limit}");
        return Err(Error::new(Code::BadUserInput, message));
    }
    let mut budget = Budget { parts, spent: Cost::default() };
    let mut plans = Vec::with_capacity(batch.len());
    for parameters in batch {
        match budget.plan(parameters, Allowed::All).await {
            Err(Refusal::Request(error)) => return Err(error),
            Err(Refusal::Operation(errors)) => plans.push(Err(Reply::not_run(errors))),
            Ok(plan) => plans.push(Ok(plan)),
        }
    }
    let replies = plans.into_iter().enumerate().map(|(index, plan)| async move {
        match plan {
            Ok(plan) => plan.run(parts, &tasks.operation(index)).await,
            Err(reply) => reply,
        }
    });
    Ok(join_all(replies).await)
}

/// Why an operation is not run.
enum Refusal {
    /// It is no good itself.
    Operation(Vec<ServerError>),
    /// It may not be asked for like this, and neither may what came with it.
    Request(Error),
}

impl From<ServerError> for Refusal {
    fn from(error: ServerError) -> Self {
        Self::Operation(vec![error])
    }
}

impl From<Vec<ServerError>> for Refusal {
    fn from(errors: Vec<ServerError>) -> Self {
        Self::Operation(errors)
    }
}

/// What a request has spent of what it may cost.
struct Budget<'a> {
    parts: &'a Parts,
    spent: Cost,
}

impl Budget<'_> {
    async fn plan(&mut self, mut parameters: Parameters, allowed: Allowed) -> Result<Plan, Refusal> {
        let Parts { persisted, documents, limits, types, .. } = self.parts;
        let Some(named) = persisted.find(&mut parameters)? else {
            return Err(Refusal::Request(Error::new(Code::BadUserInput, "The request has no `query`")));
        };
        let prepared = documents.prepare(&named.text, limits).await;
        let is_first = self.spent == Cost::default();
        // What is refused was work too.
        self.spent += match &prepared {
            Ok(prepared) => prepared.cost,
            Err(_) => Cost { tokens: TokenCount::of(&named.text).tokens, ..Cost::default() },
        };
        if !is_first {
            let too_much = |reason| Refusal::Request(Error::new(Code::GraphqlValidationFailed, reason));
            limits.check(&self.spent).map_err(too_much)?;
        }
        let prepared = prepared?;
        persisted.keep(&named);
        let name = parameters.operation_name.filter(|name| !name.is_empty());
        let operation = prepared.operation(name.as_deref())?;
        if allowed == Allowed::Queries && operation.node.ty != OperationType::Query {
            let message = "A GET can't change anything: send mutations with POST";
            return Err(Refusal::Request(Error::new(Code::MethodNotAllowed, message)));
        }
        let definitions = &operation.node.variable_definitions;
        let variables = coerce(types, definitions, parameters.variables).map_err(|faults| faulty(&faults))?;
        Ok(Plan { prepared, name, variables })
    }
}

/// An operation that is ready to run.
struct Plan {
    prepared: Arc<Prepared>,
    name: Option<String>,
    variables: Variables,
}

impl Plan {
    /// Dropping what is late stops it: fields not yet asked for never are, and a read under way is cancelled.
    async fn run(self, parts: &Parts, tasks: &UserTasks) -> Reply {
        let prepared = Arc::clone(&self.prepared);
        let Ok(operation) = prepared.operation(self.name.as_deref()) else {
            return Reply::not_run(Vec::new());
        };
        let operation = &operation.node;
        let Ok(response) = timeout(parts.limits.timeout, parts.executor.execute(self.request(operation, tasks))).await
        else {
            let message =
                format!("The operation took longer than it may (GRAPHQL_TIMEOUT is {:?})", parts.limits.timeout);
            return Reply::not_run(vec![request_error(&Error::new(Code::Timeout, message))]);
        };
        let (mut data, mut errors) = (response.data, response.errors);
        if data == Value::Null && errors.is_empty() {
            // Everything was skipped.
            data = Value::Object(IndexMap::new());
        }
        complete(&mut data, &errors, &prepared.document, operation, &parts.types);
        for error in errors.iter_mut().filter(|error| code(error).is_none()) {
            // Only the persisted makes errors without a code: an argument is no value of its type after all.
            error.extensions = Some(with_code(Code::BadUserInput));
        }
        Reply { data: Some(data), errors }
    }

    fn request(self, operation: &OperationDefinition, tasks: &UserTasks) -> Request {
        let declared = operation.variable_definitions.iter().map(|definition| &definition.node.name.node);
        let absent: Vec<Name> = declared.filter(|name| !self.variables.contains_key(*name)).cloned().collect();
        let mut document = self.prepared.document.clone();
        omitted::remove(&mut document, &absent);
        let mut request = Request::new(String::new()).variables(self.variables).data(tasks.clone());
        request.operation_name = self.name;
        request.set_parsed_query(document);
        request
    }
}
