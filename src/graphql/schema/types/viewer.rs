//! The current user.

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::{
    graphql::schema::{context::ContextExt, error::GraphqlError},
    resolvers,
    task::{self, DEFAULT_PAGE, FieldError, Filter, Limit},
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
        Ok(resolvers::counts(ctx.tasks()?, Filter::default()).await?.into())
    }

    /// The user's tags, those of most tasks first.
    async fn tags(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(DEFAULT_PAGE)", desc = "The maximum number of tags, 1 to 1000.")] limit: Option<
            i64,
        >,
    ) -> Result<Vec<TagCount>, GraphqlError> {
        let limit =
            Limit::try_from(limit.unwrap_or(DEFAULT_PAGE)).map_err(|violation| FieldError::new("limit", violation))?;
        Ok(resolvers::tags(ctx.tasks()?, limit).await?.into_iter().map(Into::into).collect())
    }
}

/// A tag, and how many tasks have it.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TagCount {
    /// The tag. If tasks have it in different cases, one of them.
    name: String,
    /// Tasks that are not completed.
    pending: i64,
    /// All tasks.
    total: i64,
}

impl From<task::TagCount> for TagCount {
    fn from(task::TagCount { name, pending, total }: task::TagCount) -> Self {
        Self { name, pending, total }
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
