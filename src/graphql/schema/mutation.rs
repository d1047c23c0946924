//! The root fields that write.

use async_graphql::{Context, ID, Object};

use super::{
    context::ContextExt,
    inputs::{CreateTaskInput, UpdateTaskInput, task_id, task_ids},
    json::AtOnce,
    types::{ChangedTasks, ClearedTasks, CompletedTasks, DeletedTask, Task, all},
};
use crate::{graphql::error::GraphqlError, resolvers};

/// What can be changed. A task that is not there or not yours is `NOT_FOUND`.
pub(in crate::graphql) struct Mutation;

#[Object]
impl Mutation {
    /// Adds a task.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new task.")] input: CreateTaskInput,
    ) -> Result<Task, GraphqlError> {
        Ok(resolvers::create(ctx.tasks()?, input.check()?).await?.into())
    }

    /// Adds up to 100 tasks: all of them, or none if one is no good. They come back in the order given.
    #[graphql(complexity = "10 + child_complexity")]
    async fn create_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new tasks.")] inputs: Vec<CreateTaskInput>,
    ) -> Result<AtOnce<Vec<Task>>, GraphqlError> {
        let created = resolvers::create_many(ctx.tasks()?, CreateTaskInput::check_all(inputs)?).await?;
        Ok(all(created))
    }

    /// Makes up to 100 tasks completed: all of them, or none if one is not there or not yours.
    #[graphql(complexity = "10 + child_complexity")]
    async fn complete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the tasks.")] ids: Vec<ID>,
    ) -> Result<CompletedTasks, GraphqlError> {
        Ok(resolvers::complete_many(ctx.tasks()?, task_ids(&ids)?).await?.into())
    }

    /// Deletes up to 100 tasks: all of them, or none if one is not there or not yours.
    #[graphql(complexity = "10 + child_complexity")]
    async fn delete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the tasks.")] ids: Vec<ID>,
    ) -> Result<ClearedTasks, GraphqlError> {
        Ok(resolvers::delete_many(ctx.tasks()?, task_ids(&ids)?).await?.into())
    }

    /// Completes every pending task. It answers with their number only, as there may be any number of them.
    #[graphql(complexity = "10 + child_complexity")]
    async fn complete_all(&self, ctx: &Context<'_>) -> Result<ChangedTasks, GraphqlError> {
        Ok(resolvers::complete_all(ctx.tasks()?).await?.into())
    }

    /// Deletes every completed task. It answers with their number only, as there may be any number of them.
    #[graphql(complexity = "10 + child_complexity")]
    async fn clear_completed(&self, ctx: &Context<'_>) -> Result<ChangedTasks, GraphqlError> {
        Ok(resolvers::clear_completed(ctx.tasks()?).await?.into())
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
    ) -> Result<Task, GraphqlError> {
        Ok(resolvers::update(ctx.tasks()?, task_id(&id)?, input.check()?, expected_version).await?.into())
    }

    /// Deletes a task.
    async fn delete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "Only if the task is at this version, else `VERSION_CONFLICT`.")] expected_version: Option<
            i64,
        >,
    ) -> Result<DeletedTask, GraphqlError> {
        let id = task_id(&id)?;
        resolvers::delete(ctx.tasks()?, id, expected_version).await?;
        Ok(id.into())
    }

    /// Turns a task from pending to completed or back. Repeating it undoes it: to retry safely, take `setTaskCompleted`.
    async fn toggle_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
    ) -> Result<Task, GraphqlError> {
        Ok(resolvers::toggle(ctx.tasks()?, task_id(&id)?).await?.into())
    }

    /// Makes a task completed or pending. One that is so already stays as it is.
    async fn set_task_completed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "Whether it is done.")] completed: bool,
    ) -> Result<Task, GraphqlError> {
        Ok(resolvers::set_completed(ctx.tasks()?, task_id(&id)?, completed).await?.into())
    }
}
