//! The current user.

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::{
    graphql::schema::{context::ContextExt, error::GraphqlError},
    resolvers, task,
};

/// The current user.
pub(in crate::graphql) struct Viewer;

/// The current user.
#[expect(clippy::unused_async, reason = "fields are asynchronous to async-graphql")]
#[Object]
impl Viewer {
    /// The user's id: the `sub` claim of the token.
    async fn id(&self, ctx: &Context<'_>) -> Result<ID, GraphqlError> {
        Ok(ctx.tasks()?.user().id().into())
    }

    /// The number of the user's tasks.
    async fn task_counts(&self, ctx: &Context<'_>) -> Result<TaskCounts, GraphqlError> {
        Ok(resolvers::counts(ctx.tasks()?, None).await?.into())
    }
}

/// Numbers of tasks by status.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TaskCounts {
    /// All tasks.
    all: i64,
    /// Tasks that are not completed.
    pending: i64,
    /// Completed tasks.
    completed: i64,
}

impl From<task::TaskCounts> for TaskCounts {
    fn from(counts: task::TaskCounts) -> Self {
        Self { all: counts.all(), pending: counts.pending, completed: counts.completed }
    }
}
