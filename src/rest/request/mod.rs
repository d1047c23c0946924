//! Reads what REST clients send, as leniently as pydantic does.

pub(super) mod body;
pub(super) mod extract;
pub(super) mod fields;
pub(super) mod ignored;
pub(super) mod query;
