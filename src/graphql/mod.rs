//! The GraphQL door: types and root fields in GraphQL's words, each one call to a resolver.

mod connection;
mod context;
mod error;
mod graphiql;
mod http;
mod input;
mod limits;
mod mutation;
mod object;
mod query;
mod shape;
mod variables;

use async_graphql::{EmptySubscription, SchemaBuilder};

pub use self::{
    graphiql::graphiql,
    http::{error_response, serve},
    limits::Limits,
};
use self::{mutation::Mutation, query::Query};

/// The schema with its resolvers.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// The schema, with the limits on what one operation may cost.
#[must_use]
pub fn schema(limits: &Limits) -> Schema {
    let builder = builder().limit_depth(limits.depth).limit_complexity(limits.complexity);
    let builder = builder.limit_recursive_depth(limits::MAX_NESTING);
    let builder = if limits.introspection { builder } else { builder.disable_introspection() };
    builder.finish()
}

/// The schema in the schema definition language: what `schema.graphql` holds.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl()
}

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
}
