//! From a document to an operation that can run: validation, cost, variables.

pub(super) mod cost;
pub(super) mod null_propagation;
pub(super) mod omitted;
pub(super) mod types;
pub(super) mod validate;
pub(super) mod variables;
