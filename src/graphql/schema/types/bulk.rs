//! What mutations of many tasks return.

use async_graphql::{ID, SimpleObject};

use super::json::Json;
use crate::{
    store::{Cleared, ManyDeleted},
    task::Task,
};

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

/// The result of `completeAll` or `emptyTrash`.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ChangedTasks {
    /// The number of tasks that were completed, or removed from the trash.
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
    count: u64,
    /// Their ids, oldest first; of more than 1000, those of the oldest.
    ids: Vec<ID>,
}

impl From<ManyDeleted> for ClearedTasks {
    fn from(ManyDeleted { ids, tasks: _ }: ManyDeleted) -> Self {
        Self { count: ids.len() as u64, ids: ids.into_iter().map(Into::into).collect() }
    }
}

impl From<Cleared> for ClearedTasks {
    fn from(Cleared { count, ids }: Cleared) -> Self {
        Self { count, ids: ids.into_iter().map(Into::into).collect() }
    }
}

/// Restored tasks.
#[derive(SimpleObject)]
pub(in crate::graphql) struct RestoredTasks {
    /// The number of tasks.
    count: usize,
    /// The tasks as they are now, oldest first.
    tasks: Json<Vec<Task>>,
}

impl From<Vec<Task>> for RestoredTasks {
    fn from(tasks: Vec<Task>) -> Self {
        Self { count: tasks.len(), tasks: Json(tasks) }
    }
}
