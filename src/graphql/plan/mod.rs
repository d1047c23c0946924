//! From a document to an operation that async-graphql runs without a mistake (specification, sections 5 and 6): no
//! directives, each response key once, no fragments but those an abstract type needs, and constants for variables.
//!
//! A document is compiled once; what depends on variables is done for each request, by [`Plan::bind`].

mod bind;
mod compile;
mod cost;
mod definitions;
mod values;
mod variables;

pub(super) use self::{
    bind::Bound,
    compile::{Plan, compile},
    cost::{asks_for_schema, cost_of},
    definitions::Definitions,
    values::check_values,
};
