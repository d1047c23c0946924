//! Documents that were parsed, measured and validated, kept by their text: clients send the same few again and again.

use std::sync::Arc;

use async_graphql::{
    Positioned, ServerError,
    parser::{
        parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationDefinition},
    },
};
use moka::sync::Cache;

use super::token_count::TokenCount;
use crate::{
    error::Code,
    graphql::{
        error::{with_code, worded},
        limits::{Cost, Limits},
        plan::{
            cost::{asks_for_schema, measure},
            validate::validate,
        },
        schema::AsyncGraphql,
    },
};

/// How many bytes of text are kept. What is made of a document takes some ten times as much.
const MAX_CACHED: u64 = 2 * 1024 * 1024;

/// A document that fits the schema.
pub(in crate::graphql) struct Prepared {
    pub(in crate::graphql) document: ExecutableDocument,
    pub(in crate::graphql) cost: Cost,
}

impl Prepared {
    /// The operation to be run: the one that is named, or the only one.
    pub(in crate::graphql) fn operation(
        &self,
        name: Option<&str>,
    ) -> Result<&Positioned<OperationDefinition>, ServerError> {
        let found = match (&self.document.operations, name) {
            (DocumentOperations::Single(operation), None) => Some(operation),
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
            (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
            _ => None,
        };
        found.ok_or_else(|| match name {
            Some(name) => worded(Code::GraphqlValidationFailed, format!("The document has no operation `{name}`")),
            None => worded(Code::GraphqlValidationFailed, "The document has several operations: name one of them"),
        })
    }
}

/// Prepares documents, and keeps them.
pub(in crate::graphql) struct DocumentCache {
    validator: AsyncGraphql,
    prepared: Cache<String, Arc<Prepared>>,
}

impl DocumentCache {
    pub(in crate::graphql) fn new(validator: AsyncGraphql) -> Self {
        let weight = |text: &String, _: &Arc<Prepared>| u32::try_from(text.len()).unwrap_or(u32::MAX).max(64);
        let prepared = Cache::builder().max_capacity(MAX_CACHED).weigher(weight).build();
        Self { validator, prepared }
    }

    /// The document of this text, unless it is too large to be looked at or doesn't fit the schema.
    pub(in crate::graphql) async fn prepare(
        &self,
        text: &str,
        limits: &Limits,
    ) -> Result<Arc<Prepared>, Vec<ServerError>> {
        if let Some(prepared) = self.prepared.get(text) {
            return Ok(prepared);
        }
        let prepared = Arc::new(self.make(text, limits).await?);
        self.prepared.insert(text.to_owned(), Arc::clone(&prepared));
        Ok(prepared)
    }

    async fn make(&self, text: &str, limits: &Limits) -> Result<Prepared, Vec<ServerError>> {
        let tokens = check_shape(text, limits).map_err(too_much)?;
        let document = parse_query(text).map_err(|error| vec![coded(error.into(), Code::GraphqlParseFailed)])?;
        if !limits.introspection && asks_for_schema(&document) {
            return Err(too_much("The schema can't be asked for here (GRAPHQL_INTROSPECTION)".to_owned()));
        }
        let mut cost = measure(&document, tokens);
        limits.check(&cost).map_err(too_much)?;
        let valid = validate(&self.validator, &document).await;
        let valid = valid.map_err(|errors| {
            errors.into_iter().map(|error| coded(error, Code::GraphqlValidationFailed)).collect::<Vec<_>>()
        })?;
        (cost.complexity, cost.depth) = (valid.complexity, valid.depth);
        limits.check(&cost).map_err(too_much)?;
        Ok(Prepared { document, cost })
    }
}

/// How many tokens a text has, if it may be parsed.
fn check_shape(text: &str, limits: &Limits) -> Result<usize, String> {
    let TokenCount { tokens, nesting } = TokenCount::of(text);
    if nesting > limits.nesting {
        let limit = limits.nesting;
        return Err(format!("The request nests {nesting} brackets, the limit (GRAPHQL_MAX_NESTING) is {limit}"));
    }
    limits.check(&Cost { tokens, ..Cost::default() })?;
    Ok(tokens)
}

fn too_much(reason: String) -> Vec<ServerError> {
    vec![worded(Code::GraphqlValidationFailed, reason)]
}

fn coded(mut error: ServerError, code: Code) -> ServerError {
    error.extensions = Some(with_code(code));
    error
}
