//! The types and root fields (specification, sections 3 and 4), as async-graphql serves them and as plans see them.

mod context;
mod error;
mod mutation;
mod query;
mod subscription;
mod types;
mod validated;

use async_graphql::SDLExportOptions;

pub(super) use self::{
    error::request_error,
    subscription::{Event, Source},
    types::json::ResponseBudget,
};
use self::{mutation::Mutation, query::Query, subscription::Subscription, validated::Validated};

/// The types and their resolvers.
pub(super) type AsyncGraphql = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema in the schema definition language: what `schema.graphql` holds.
#[must_use]
pub fn sdl() -> String {
    executor().sdl_with_options(SDLExportOptions::new().include_specified_by())
}

/// What runs plans.
pub(super) fn executor() -> AsyncGraphql {
    AsyncGraphql::build(Query, Mutation, Subscription).extension(Validated).limit_recursive_depth(usize::MAX).finish()
}
