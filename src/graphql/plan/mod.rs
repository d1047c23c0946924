//! From a valid document to an operation that async-graphql executes correctly (specification, sections 5 and 6): each
//! response key once, no variables, no directives, no fragments except on abstract types.
//!
//! The stages of a document are [`validate_values`], [`document_cost`] and [`normalize`](mod@normalize); those of a request
//! [`coerce_variables`] and [`bind`](mod@bind).

mod bind;
mod cost;
mod definitions;
mod model;
mod normalize;
mod validation;
mod values;
mod variables;

pub(super) use self::{
    bind::{BoundOperation, bind},
    cost::{document_cost, is_introspection},
    definitions::Definitions,
    model::Plan,
    normalize::normalize,
    validation::validate_values,
    variables::coerce_variables,
};
