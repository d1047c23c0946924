//! Object types, enums and inputs, by topic.

pub(super) mod bulk;
pub(super) mod change;
pub(super) mod connection;
pub(super) mod input;
pub(super) mod json;
pub(super) mod list;
pub(super) mod push;
pub(super) mod task;
pub(super) mod trash;
pub(super) mod viewer;
