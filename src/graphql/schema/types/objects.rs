//! Object types and enums, but for tasks and connections.

use async_graphql::{Context, Enum, ID, Interface, Object, SimpleObject};

use super::{json::Json, task::Task};
use crate::graphql::schema::{context::ContextExt, error::GraphqlError};
use crate::{
    resolvers,
    task::{self, SortColumn},
};

/// Tasks that were completed together.
#[derive(SimpleObject)]
pub(in crate::graphql) struct CompletedTasks {
    /// Number of tasks.
    count: usize,
    /// The tasks after the change, oldest first.
    tasks: Json<Vec<task::Task>>,
}

impl From<Vec<task::Task>> for CompletedTasks {
    fn from(tasks: Vec<task::Task>) -> Self {
        Self { count: tasks.len(), tasks: Json(tasks) }
    }
}

/// The outcome of a change to many tasks.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ChangedTasks {
    /// Number of changed tasks.
    count: u64,
}

impl From<u64> for ChangedTasks {
    fn from(count: u64) -> Self {
        Self { count }
    }
}

/// Tasks that were deleted together.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ClearedTasks {
    /// Number of tasks.
    count: usize,
    /// Their ids, oldest first.
    ids: Vec<ID>,
}

impl From<Vec<task::Task>> for ClearedTasks {
    fn from(tasks: Vec<task::Task>) -> Self {
        Self { count: tasks.len(), ids: tasks.into_iter().map(|task| task.id.into()).collect() }
    }
}

/// An object that can be fetched by its id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "Unique among the user's objects; it never changes."))]
pub(in crate::graphql) enum Node {
    Task(Task),
}

/// The current user, from the token.
pub(in crate::graphql) struct Viewer;

/// The current user, from the token.
#[expect(clippy::unused_async, reason = "fields are asynchronous to async-graphql")]
#[Object]
impl Viewer {
    /// The user id: the token's `sub`.
    async fn id(&self, ctx: &Context<'_>) -> Result<ID, GraphqlError> {
        Ok(ctx.tasks()?.user().id().into())
    }

    /// Number of the user's tasks.
    async fn task_counts(&self, ctx: &Context<'_>) -> Result<TaskCounts, GraphqlError> {
        Ok(resolvers::counts(ctx.tasks()?, None).await?.into())
    }
}

/// Number of tasks by status.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TaskCounts {
    /// Done or not.
    all: i64,
    /// Not yet done.
    pending: i64,
    /// Done.
    completed: i64,
}

impl From<task::TaskCounts> for TaskCounts {
    fn from(counts: task::TaskCounts) -> Self {
        Self { all: counts.all(), pending: counts.pending, completed: counts.completed }
    }
}

/// Which tasks, by whether they are done.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "task::TaskStatus")]
pub(in crate::graphql) enum TaskStatusFilter {
    /// Done or not.
    All,
    /// Not yet done.
    Pending,
    /// Done.
    Completed,
}

/// The order of a list. Ties are broken by id, in the same direction.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub(in crate::graphql) enum TaskSort {
    /// Oldest first.
    CreatedAsc,
    /// Newest first.
    CreatedDesc,
    /// Longest unchanged first.
    UpdatedAsc,
    /// Last changed first.
    UpdatedDesc,
    /// By title.
    TitleAsc,
    /// By title, backwards.
    TitleDesc,
}

impl From<TaskSort> for task::TaskSort {
    fn from(sort: TaskSort) -> Self {
        match sort {
            TaskSort::CreatedAsc => Self::ascending(SortColumn::Created),
            TaskSort::CreatedDesc => Self::descending(SortColumn::Created),
            TaskSort::UpdatedAsc => Self::ascending(SortColumn::Updated),
            TaskSort::UpdatedDesc => Self::descending(SortColumn::Updated),
            TaskSort::TitleAsc => Self::ascending(SortColumn::Title),
            TaskSort::TitleDesc => Self::descending(SortColumn::Title),
        }
    }
}
