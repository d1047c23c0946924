//! What mutations of many tasks return.

use async_graphql::{ID, SimpleObject};

use super::json::Json;
use crate::task::Task;

/// Completed tasks.
#[derive(SimpleObject)]
pub(in crate::graphql) struct CompletedTasks {
    /// The number of tasks.
    count: usize,
    /// The tasks after the change, oldest first.
    tasks: Json<Vec<Task>>,
}

impl From<Vec<Task>> for CompletedTasks {
    fn from(tasks: Vec<Task>) -> Self {
        Self { count: tasks.len(), tasks: Json(tasks) }
    }
}

/// The result of `completeAll` or `clearCompleted`.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ChangedTasks {
    /// The number of tasks that were completed or deleted.
    count: u64,
}

impl From<u64> for ChangedTasks {
    fn from(count: u64) -> Self {
        Self { count }
    }
}

/// Deleted tasks.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ClearedTasks {
    /// The number of tasks.
    count: usize,
    /// Their ids, oldest first.
    ids: Vec<ID>,
}

impl From<Vec<Task>> for ClearedTasks {
    fn from(tasks: Vec<Task>) -> Self {
        Self { count: tasks.len(), ids: tasks.into_iter().map(|task| task.id.into()).collect() }
    }
}
