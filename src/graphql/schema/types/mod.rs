//! Object types, enums and inputs.

pub(super) mod change;
pub(super) mod connection;
pub(super) mod inputs;
pub(super) mod json;
mod objects;
pub(super) mod task;

pub(super) use self::objects::{ChangedTasks, ClearedTasks, CompletedTasks, Node, TaskSort, TaskStatusFilter, Viewer};
