//! The root fields that read.

use async_graphql::{Context, ID, Object};

use super::{
    context::{ContextExt, Nullable},
    error::GraphqlError,
    types::{
        Node, TaskSort, TaskStatusFilter, Viewer,
        change::Changes,
        connection::TaskConnection,
        inputs::{ConnectionArgs, ListArgs, feed_page, task_id},
        json::Json,
    },
};
use crate::{resolvers, task::Task};

/// What an omitted page size is.
const DEFAULT_PAGE: i64 = 100;

/// Queries. They return only objects of the current user.
pub(in crate::graphql) struct Query;

/// Queries. They return only objects of the current user.
#[Object]
impl Query {
    /// The current user, from the token.
    async fn me(&self) -> Viewer {
        Viewer
    }

    /// A plain list of at most `limit` tasks. To read more, use `tasksConnection`.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(TaskStatusFilter::All)", desc = "Filters by status.")] status: Option<
            TaskStatusFilter,
        >,
        #[graphql(default_with = "Some(TaskSort::CreatedDesc)", desc = "The order, newest first by default.")]
        sort: Option<TaskSort>,
        #[graphql(desc = "Text that the title or description must contain, ignoring case; at most 200 characters.")]
        search: Option<String>,
        #[graphql(default_with = "Some(DEFAULT_PAGE)", desc = "Maximum number of tasks, 1 to 1000.")] limit: Option<
            i64,
        >,
    ) -> Result<Json<Vec<Task>>, GraphqlError> {
        let (filter, request) = ListArgs { status, sort, search, limit: limit.unwrap_or(DEFAULT_PAGE) }.check()?;
        Ok(Json(resolvers::list(ctx.tasks()?, filter, request).await?.tasks))
    }

    /// A page of tasks: forward with `first` and `after`, backward with `last` and `before`.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn tasks_connection(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(TaskStatusFilter::All)", desc = "Filters by status.")] status: Option<
            TaskStatusFilter,
        >,
        #[graphql(default_with = "Some(TaskSort::CreatedDesc)", desc = "The order, newest first by default.")]
        sort: Option<TaskSort>,
        #[graphql(desc = "Text that the title or description must contain, ignoring case; at most 200 characters.")]
        search: Option<String>,
        #[graphql(desc = "Number of tasks from the start, 0 to 1000; 100 if neither `first` nor `last` is given.")]
        first: Option<i64>,
        #[graphql(desc = "Only tasks after this cursor, which must be of the same sort.")] after: Option<String>,
        #[graphql(desc = "Number of tasks from the end, 0 to 1000.")] last: Option<i64>,
        #[graphql(desc = "Only tasks before this cursor, which must be of the same sort.")] before: Option<String>,
    ) -> Result<TaskConnection, GraphqlError> {
        let first = if last.is_none() { first.or(Some(DEFAULT_PAGE)) } else { first };
        let (filter, request) = ConnectionArgs { status, sort, search, first, after, last, before }.check()?;
        let sort = request.sort;
        let page =
            if reads_page(ctx) { Some(resolvers::list(ctx.tasks()?, filter.clone(), request).await?) } else { None };
        Ok(TaskConnection::new(page, sort, filter))
    }

    /// One task; null if it doesn't exist or is another user's.
    async fn task(&self, ctx: &Context<'_>, #[graphql(desc = "The task's id.")] id: ID) -> Nullable<Json<Task>> {
        Some(find(ctx, &id).await.transpose()?.map(Json).map_err(Into::into))
    }

    /// What happened to the user's tasks, in the order in which it was committed: for replicas that catch up.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The `cursor` of the page before; `latest` for what happens from now on. Everything if omitted."
        )]
        after: Option<String>,
        #[graphql(default_with = "DEFAULT_PAGE", desc = "Maximum number of changes, 1 to 1000.")] first: i64,
    ) -> Result<Changes, GraphqlError> {
        let (since, limit) = feed_page(after, first)?;
        Ok(resolvers::changes(ctx.tasks()?, &since, limit).await?.into())
    }

    /// Any object by its id; null if it doesn't exist or is another user's.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The id of any object.")] id: ID) -> Nullable<Node> {
        // What is no UUID is nobody's id.
        task_id(&id).ok()?;
        let task = find(ctx, &id).await.transpose()?;
        Some(task.map(|task| Node::Task(task.into())).map_err(Into::into))
    }
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Task>, GraphqlError> {
    Ok(resolvers::find(ctx.tasks()?, task_id(id)?).await?)
}

/// Whether more than the count of a connection is asked for.
fn reads_page(ctx: &Context<'_>) -> bool {
    ctx.field().selection_set().any(|field| !matches!(field.name(), "totalCount" | "__typename"))
}
