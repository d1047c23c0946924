//! The root fields that write.

use async_graphql::{Context, ID, Object};

use super::{
    context::{ContextExt, Nullable, nullable},
    types::{
        ChangedTasks, ClearedTasks, CompletedTasks,
        inputs::{CreateTaskInput, UpdateTaskInput, task_id, task_ids},
        json::Json,
    },
};
use crate::{
    resolvers,
    task::{DeletedTask, Task},
};

/// The root of mutations.
pub(in crate::graphql) struct Mutation;

/// Mutations, executed one after the other. One that fails is null, and those before it stay in effect. A task that doesn't
/// exist or is another user's is `NOT_FOUND`.
#[Object]
impl Mutation {
    /// Adds a task.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new task.")] input: CreateTaskInput,
    ) -> Nullable<Json<Task>> {
        nullable(async { Ok(Json(resolvers::create(ctx.tasks()?, input.check()?).await?)) }).await
    }

    /// Adds up to 100 tasks, all or none, and returns them in the same order.
    async fn create_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new tasks.")] inputs: Vec<CreateTaskInput>,
    ) -> Nullable<Json<Vec<Task>>> {
        nullable(async {
            let created = resolvers::create_many(ctx.tasks()?, CreateTaskInput::check_all(inputs)?).await?;
            Ok(Json(created))
        })
        .await
    }

    /// Completes up to 100 tasks, or none if one doesn't exist.
    async fn complete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the tasks.")] ids: Vec<ID>,
    ) -> Nullable<CompletedTasks> {
        nullable(async { Ok(resolvers::complete_many(ctx.tasks()?, task_ids(&ids)?).await?.into()) }).await
    }

    /// Deletes up to 100 tasks, or none if one doesn't exist.
    async fn delete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the tasks.")] ids: Vec<ID>,
    ) -> Nullable<ClearedTasks> {
        nullable(async { Ok(resolvers::delete_many(ctx.tasks()?, task_ids(&ids)?).await?.into()) }).await
    }

    /// Completes every pending task and returns their number.
    async fn complete_all(&self, ctx: &Context<'_>) -> Nullable<ChangedTasks> {
        nullable(async { Ok(resolvers::complete_all(ctx.tasks()?).await?.into()) }).await
    }

    /// Deletes every completed task and returns their number.
    async fn clear_completed(&self, ctx: &Context<'_>) -> Nullable<ChangedTasks> {
        nullable(async { Ok(resolvers::clear_completed(ctx.tasks()?).await?.into()) }).await
    }

    /// Changes a task.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "What to change.")] input: UpdateTaskInput,
        #[graphql(desc = "Only if the task is at this version, else `VERSION_CONFLICT`.")] expected_version: Option<
            i64,
        >,
    ) -> Nullable<Json<Task>> {
        nullable(async {
            Ok(Json(resolvers::update(ctx.tasks()?, task_id(&id)?, input.check()?, expected_version).await?))
        })
        .await
    }

    /// Deletes a task.
    async fn delete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "Only if the task is at this version, else `VERSION_CONFLICT`.")] expected_version: Option<
            i64,
        >,
    ) -> Nullable<Json<DeletedTask>> {
        nullable(async { Ok(Json(resolvers::delete(ctx.tasks()?, task_id(&id)?, expected_version).await?)) }).await
    }

    /// Flips a task between pending and completed. A retry flips it back; `setTaskCompleted` is safe to retry.
    async fn toggle_task(&self, ctx: &Context<'_>, #[graphql(desc = "The task's id.")] id: ID) -> Nullable<Json<Task>> {
        nullable(async { Ok(Json(resolvers::toggle(ctx.tasks()?, task_id(&id)?).await?)) }).await
    }

    /// Sets whether a task is completed. Repeating it changes nothing.
    async fn set_task_completed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "Whether it is done.")] completed: bool,
    ) -> Nullable<Json<Task>> {
        nullable(async { Ok(Json(resolvers::set_completed(ctx.tasks()?, task_id(&id)?, completed).await?)) }).await
    }
}
