//! The query root.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::{
    context::{ContextExt, Nullable},
    error::GraphqlError,
    types::{
        change::{Changes, feed_page},
        connection::TaskConnection,
        input::task_id,
        json::Json,
        list::{ListArgs, PageArgs, TaskFilter, TaskSort, TaskStatusFilter},
        task::TaskNode,
        trash::{TrashConnection, trash_page},
        viewer::Viewer,
    },
};
use crate::{
    resolvers,
    task::{DEFAULT_PAGE, ListKey, Task},
};

/// The query root.
pub(in crate::graphql) struct Query;

/// Queries. They return only the current user's objects.
#[Object]
impl Query {
    /// The current user.
    async fn me(&self) -> Viewer {
        Viewer
    }

    /// A plain list of at most `limit` tasks. Use `tasksConnection` to read a longer list page by page.
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
        #[graphql(desc = "Filters by priority, tags and due date.")] filter: Option<TaskFilter>,
        #[graphql(default_with = "Some(DEFAULT_PAGE)", desc = "The maximum number of tasks, 1 to 1000.")] limit: Option<
            i64,
        >,
    ) -> Result<Json<Vec<Task>>, GraphqlError> {
        let (filter, request) = ListArgs { status, sort, search, filter }.limited(limit.unwrap_or(DEFAULT_PAGE))?;
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
        #[graphql(desc = "Filters by priority, tags and due date.")] filter: Option<TaskFilter>,
        #[graphql(desc = "Takes this many tasks from the start, 0 to 1000. Defaults to 100 unless `last` is given.")]
        first: Option<i64>,
        #[graphql(
            desc = "Only tasks after this cursor. It must be of the same list: sort, status, search and filter."
        )]
        after: Option<String>,
        #[graphql(desc = "Takes this many tasks from the end, 0 to 1000.")] last: Option<i64>,
        #[graphql(
            desc = "Only tasks before this cursor. It must be of the same list: sort, status, search and filter."
        )]
        before: Option<String>,
    ) -> Result<TaskConnection, GraphqlError> {
        let first = if last.is_none() { first.or(Some(DEFAULT_PAGE)) } else { first };
        let page = PageArgs { first, after, last, before };
        let (filter, request) = ListArgs { status, sort, search, filter }.paged(page)?;
        let key = ListKey::of(request.sort, &filter);
        let needs_page = ctx.field().selection_set().any(|field| !matches!(field.name(), "totalCount" | "__typename"));
        let page = if needs_page { Some(resolvers::list(ctx.tasks()?, filter.clone(), request).await?) } else { None };
        Ok(TaskConnection::new(page, key, filter))
    }

    /// A task by its id; null if it doesn't exist or belongs to another user.
    async fn task(&self, ctx: &Context<'_>, #[graphql(desc = "The task's id.")] id: ID) -> Nullable<Json<Task>> {
        Some(find(ctx, &id).await.transpose()?.map(Json).map_err(Into::into))
    }

    /// Changes to the user's tasks, in commit order, for replicas to catch up.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The `cursor` of the previous page, or `latest` to skip everything before now. If omitted, starts with all tasks."
        )]
        after: Option<String>,
        #[graphql(default_with = "DEFAULT_PAGE", desc = "The maximum number of changes, 1 to 1000.")] first: i64,
    ) -> Result<Changes, GraphqlError> {
        let (since, limit) = feed_page(after, first)?;
        Ok(Arc::new(resolvers::changes(ctx.tasks()?, &since, limit).await?).into())
    }

    /// Deleted tasks that can be restored, newest deletion first.
    async fn trash(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(DEFAULT_PAGE)", desc = "Takes this many tasks, 0 to 1000.")] first: Option<i64>,
        #[graphql(desc = "Only tasks after this cursor. It must be of the same search.")] after: Option<String>,
        #[graphql(desc = "Text that the title or description must contain, ignoring case; at most 200 characters.")]
        search: Option<String>,
    ) -> Result<TrashConnection, GraphqlError> {
        let request = trash_page(first.unwrap_or(DEFAULT_PAGE), after, search)?;
        let needs_page = ctx.field().selection_set().any(|field| !matches!(field.name(), "totalCount" | "__typename"));
        let page = if needs_page { Some(resolvers::trash(ctx.tasks()?, request.clone()).await?) } else { None };
        Ok(TrashConnection::new(page, request))
    }

    /// Any object by its id; null if it doesn't exist or belongs to another user.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of any object.")] id: ID,
    ) -> Nullable<Json<TaskNode>> {
        // No object has an id that isn't a UUID.
        task_id(&id).ok()?;
        Some(find(ctx, &id).await.transpose()?.map(|task| Json(TaskNode(task))).map_err(Into::into))
    }
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Task>, GraphqlError> {
    Ok(resolvers::find(ctx.tasks()?, task_id(id)?).await?)
}
