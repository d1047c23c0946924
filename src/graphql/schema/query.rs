//! The root fields that read.

use async_graphql::{Context, ID, Object};

use super::{
    connection::TaskConnection,
    context::ContextExt,
    inputs::{ConnectionArgs, ListArgs, task_id},
    json::AtOnce,
    types::{Node, Task, TaskSort, TaskStatus, Viewer, all},
};
use crate::{graphql::error::GraphqlError, resolvers, task::DEFAULT_LIMIT};

/// What can be read. Everything belongs to the user the token speaks for.
pub(in crate::graphql) struct Query;

#[Object]
impl Query {
    /// The user the token speaks for.
    async fn me(&self) -> Viewer {
        Viewer
    }

    /// A plain list of tasks. For pages, take `tasksConnection`.
    #[graphql(complexity = "10 + child_complexity")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "TaskStatus::All", desc = "Which ones, by whether they are done.")] status: TaskStatus,
        #[graphql(default_with = "TaskSort::CreatedDesc", desc = "The order; newest first.")] sort: TaskSort,
        #[graphql(desc = "Title or description contains this, whatever the case; at most 200 characters.")]
        search: Option<String>,
        #[graphql(default_with = "DEFAULT_LIMIT", desc = "The most tasks that come back: 1 to 1000.")] limit: i64,
    ) -> Result<AtOnce<Vec<Task>>, GraphqlError> {
        let (filter, request) = ListArgs { status, sort, search, limit }.check()?;
        let page = resolvers::list(ctx.tasks()?, filter, request).await?;
        Ok(all(page.tasks))
    }

    /// Tasks page by page, forwards with `first` and `after` or backwards with `last` and `before`.
    #[graphql(complexity = "10 + child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn tasks_connection(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "TaskStatus::All", desc = "Which ones, by whether they are done.")] status: TaskStatus,
        #[graphql(default_with = "TaskSort::CreatedDesc", desc = "The order; newest first.")] sort: TaskSort,
        #[graphql(desc = "Title or description contains this, whatever the case; at most 200 characters.")]
        search: Option<String>,
        #[graphql(desc = "The first ones, this many: 1 to 1000. 1000 when neither `first` nor `last` is given.")] first: Option<i64>,
        #[graphql(desc = "Only what comes after this cursor of the same sort.")] after: Option<String>,
        #[graphql(desc = "The last ones, this many: 1 to 1000.")] last: Option<i64>,
        #[graphql(desc = "Only what comes before this cursor of the same sort.")] before: Option<String>,
    ) -> Result<TaskConnection, GraphqlError> {
        let (filter, request) = ConnectionArgs { status, sort, search, first, after, last, before }.check()?;
        let page = resolvers::list(ctx.tasks()?, filter.clone(), request).await?;
        Ok(TaskConnection::new(page, sort.into(), filter))
    }

    /// One task; null when it is not there or not yours.
    async fn task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
    ) -> Result<Option<Task>, GraphqlError> {
        Ok(resolvers::find(ctx.tasks()?, task_id(&id)?).await?.map(Into::into))
    }

    /// Anything by its id; null when it is not there or not yours.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, whatever it belongs to.")] id: ID,
    ) -> Result<Option<Node>, GraphqlError> {
        let Ok(id) = id.parse() else { return Ok(None) };
        Ok(resolvers::find(ctx.tasks()?, id).await?.map(|task| Node::Task(task.into())))
    }
}
