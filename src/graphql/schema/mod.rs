//! The schema as it is served: one that validates a document when it is first seen, and one that runs it.

use std::sync::Arc;

use async_graphql::{EmptySubscription, SDLExportOptions, SchemaBuilder, ValidationMode};

mod connection;
mod context;
mod inputs;
mod json;
mod mutation;
mod query;
mod types;

use self::{mutation::Mutation, query::Query};
use super::{
    documents::{DocumentCache, Documents, PersistedQueries},
    limits::Limits,
    plan::{types::Types, validate::Validate},
};

/// The types and their resolvers.
pub(in crate::graphql) type AsyncGraphql = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Everything that answers an operation. Cheap to clone.
#[derive(Clone)]
pub struct Schema(Arc<Parts>);

pub(in crate::graphql) struct Parts {
    /// Runs what was validated.
    pub(in crate::graphql) executor: AsyncGraphql,
    /// Documents by the names they may be asked for with.
    pub(in crate::graphql) persisted: PersistedQueries,
    /// Documents that were validated.
    pub(in crate::graphql) documents: DocumentCache,
    /// The types by name.
    pub(in crate::graphql) types: Types,
    /// What one request may cost.
    pub(in crate::graphql) limits: Limits,
}

/// The schema, with the limits on what one request may cost and the documents that are run.
#[must_use]
pub fn schema(limits: &Limits, documents: Documents) -> Schema {
    let validator = builder().limit_recursive_depth(limits.nesting).extension(Validate);
    let validator = if limits.introspection { validator } else { validator.disable_suggestions() };
    let executor = builder().limit_recursive_depth(limits.nesting).validation_mode(ValidationMode::Fast).finish();
    Schema(Arc::new(Parts {
        types: Types::of(&executor.sdl()),
        executor,
        persisted: PersistedQueries::new(documents),
        documents: DocumentCache::new(validator.finish()),
        limits: limits.clone(),
    }))
}

/// The schema in the schema definition language: what `schema.graphql` holds.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl_with_options(SDLExportOptions::new().include_specified_by())
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    AsyncGraphql::build(Query, Mutation, EmptySubscription)
}

impl Schema {
    pub(in crate::graphql) fn parts(&self) -> &Parts {
        &self.0
    }
}
