//! The mutation root.

use async_graphql::{Context, ID, Object};

use super::{
    context::{ContextExt, Nullable, nullable},
    types::{
        bulk::{ChangedTasks, ClearedTasks, CompletedTasks, RestoredTasks},
        input::{CreateTaskInput, UpdateTaskInput, task_id, task_ids},
        json::Json,
        push::{PushedTasks, TaskPush, pushes},
    },
};
use crate::{
    resolvers,
    task::{DeletedTask, FieldError, Task, Violation},
};

/// The mutation root.
pub(in crate::graphql) struct Mutation;

/// Mutations are executed one after another. One that fails is null; earlier ones stay in effect. A task that doesn't exist
/// or belongs to another user is `NOT_FOUND`.
#[Object]
impl Mutation {
    /// Creates a task.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new task.")] input: CreateTaskInput,
    ) -> Nullable<Json<Task>> {
        nullable(async { Ok(Json(resolvers::create(ctx.tasks()?, input.check()?).await?.task)) }).await
    }

    /// Creates up to 100 tasks, all or none, and returns them in the same order.
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

    /// Merges what a client changed in its replica of the user's tasks, up to 100 changes, in order and at once. A change is applied
    /// field by field if no field that it changes was changed by others since its base, a deletion if nothing was. Pushing twice is
    /// pushing once. How to use it: docs/LIVE.md.
    async fn push_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] changes: Vec<TaskPush>,
    ) -> Nullable<PushedTasks> {
        nullable(async { Ok(resolvers::push(ctx.tasks()?, pushes(changes)).await?.into()) }).await
    }

    /// Completes up to 100 tasks; none if one of them doesn't exist.
    async fn complete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the tasks.")] ids: Vec<ID>,
    ) -> Nullable<CompletedTasks> {
        nullable(async { Ok(resolvers::complete_many(ctx.tasks()?, task_ids(&ids)?).await?.into()) }).await
    }

    /// Deletes up to 100 tasks; none if one of them doesn't exist. They stay in the trash for a while: see `trash`.
    async fn delete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the tasks.")] ids: Vec<ID>,
    ) -> Nullable<ClearedTasks> {
        nullable(async { Ok(resolvers::delete_many(ctx.tasks()?, task_ids(&ids)?).await?.into()) }).await
    }

    /// Completes all pending tasks.
    async fn complete_all(&self, ctx: &Context<'_>) -> Nullable<ChangedTasks> {
        nullable(async { Ok(resolvers::complete_all(ctx.tasks()?).await?.into()) }).await
    }

    /// Deletes all completed tasks. They stay in the trash for a while: see `trash`.
    async fn clear_completed(&self, ctx: &Context<'_>) -> Nullable<ClearedTasks> {
        nullable(async { Ok(resolvers::clear_completed(ctx.tasks()?).await?.into()) }).await
    }

    /// Updates a task.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "The fields to change.")] input: UpdateTaskInput,
        #[graphql(desc = "The version the task must have, or else the mutation fails with `VERSION_CONFLICT`.")]
        expected_version: Option<i64>,
    ) -> Nullable<Json<Task>> {
        nullable(async {
            Ok(Json(resolvers::update(ctx.tasks()?, task_id(&id)?, input.check()?, expected_version).await?))
        })
        .await
    }

    /// Deletes a task. It stays in the trash for a while: see `trash`.
    async fn delete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "The version the task must have, or else the mutation fails with `VERSION_CONFLICT`.")]
        expected_version: Option<i64>,
    ) -> Nullable<Json<DeletedTask>> {
        nullable(async { Ok(Json(resolvers::delete(ctx.tasks()?, task_id(&id)?, expected_version).await?)) }).await
    }

    /// Takes a task out of the trash, with the same id. A task that exists is returned unchanged, so this is safe to retry.
    async fn restore_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(
            desc = "The version that the deleted task must have, or else the mutation fails with `VERSION_CONFLICT`."
        )]
        expected_version: Option<i64>,
    ) -> Nullable<Json<Task>> {
        nullable(async { Ok(Json(resolvers::restore(ctx.tasks()?, task_id(&id)?, expected_version).await?)) }).await
    }

    /// Takes up to 100 tasks out of the trash; none if one of them isn't there. Tasks that exist are returned unchanged.
    async fn restore_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the tasks.")] ids: Vec<ID>,
    ) -> Nullable<RestoredTasks> {
        nullable(async { Ok(resolvers::restore_many(ctx.tasks()?, task_ids(&ids)?).await?.into()) }).await
    }

    /// Removes a task from the trash for good.
    async fn purge_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
    ) -> Nullable<Json<DeletedTask>> {
        nullable(async { Ok(Json(resolvers::purge(ctx.tasks()?, task_id(&id)?).await?)) }).await
    }

    /// Removes all tasks from the trash for good.
    async fn empty_trash(&self, ctx: &Context<'_>) -> Nullable<ChangedTasks> {
        nullable(async { Ok(resolvers::empty_trash(ctx.tasks()?).await?.into()) }).await
    }

    /// Toggles whether a task is completed. Retrying toggles it back; `setTaskCompleted` is safe to retry.
    async fn toggle_task(&self, ctx: &Context<'_>, #[graphql(desc = "The task's id.")] id: ID) -> Nullable<Json<Task>> {
        nullable(async { Ok(Json(resolvers::complete(ctx.tasks()?, task_id(&id)?, None, None).await?)) }).await
    }

    /// Sets whether a task is completed. Idempotent.
    async fn set_task_completed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "Whether the task is completed.")] completed: bool,
    ) -> Nullable<Json<Task>> {
        nullable(async { Ok(Json(resolvers::complete(ctx.tasks()?, task_id(&id)?, Some(completed), None).await?)) })
            .await
    }

    /// Deletes all that the server has of the current user, for ever: tasks, what is known of deleted ones, and idempotency keys.
    /// Clients that follow the change feed start over.
    async fn erase_me(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current user's own id.")] confirm: ID,
    ) -> Nullable<bool> {
        nullable(async {
            if *confirm != *ctx.tasks()?.user().id() {
                let violation = Violation::Custom("must be the id of the current user");
                return Err(FieldError::new("confirm", violation).into());
            }
            resolvers::erase(ctx.tasks()?).await?;
            Ok(true)
        })
        .await
    }
}
