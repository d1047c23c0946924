//! What clients send and receive, by operation, with its OpenAPI schemas.

pub(super) mod bulk;
pub(super) mod changes;
pub(super) mod event_stream;
pub(super) mod list;
pub(super) mod push;
pub(super) mod task;
pub(super) mod trash;
