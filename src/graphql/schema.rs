//! The schema as it is served: one that validates a document when it is first seen, and one that runs it.

use std::sync::Arc;

use async_graphql::{EmptySubscription, SDLExportOptions, SchemaBuilder, ValidationMode};

use super::{
    documents::{Documents, Library},
    limits::Limits,
    mutation::Mutation,
    prepared::Preparer,
    query::Query,
    types::Types,
    validator::Validate,
};

/// The types and their resolvers.
pub(super) type AsyncGraphql = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Everything that answers an operation. Cheap to clone.
#[derive(Clone)]
pub struct Schema(Arc<Parts>);

pub(super) struct Parts {
    /// Runs what was validated.
    pub(super) executor: AsyncGraphql,
    /// Documents by the names they may be asked for with.
    pub(super) library: Library,
    /// Documents that were validated.
    pub(super) documents: Preparer,
    /// The types by name.
    pub(super) types: Types,
    /// What one request may cost.
    pub(super) limits: Limits,
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
        library: Library::new(documents),
        documents: Preparer::new(validator.finish()),
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
    pub(super) fn parts(&self) -> &Parts {
        &self.0
    }
}
