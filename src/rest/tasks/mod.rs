//! The operations on tasks, with their OpenAPI descriptions.

pub(super) mod bulk;
pub(super) mod changes;
pub(super) mod event_stream;
pub(super) mod list;
pub(super) mod task;
