//! The operations, with the rules both doors share. Here absence becomes an error.

use tracing::instrument;

use crate::{
    error::{Error, Result},
    store::{Changed, UserTasks},
    task::{
        Changes, DeletedTask, FieldError, Filter, Limit, NewTask, Page, PageRequest, Search, Since, Task, TaskCounts,
        TaskId, TaskPatch, Violation,
    },
};

/// The most tasks one bulk operation takes.
pub const MAX_MANY: usize = 100;

/// A page of the user's tasks.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn list(tasks: &UserTasks, filter: Filter, request: PageRequest) -> Result<Page> {
    tasks.list(filter, request).await
}

/// A page of what happened to the user's tasks since then.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn changes(tasks: &UserTasks, since: &Since, limit: Limit) -> Result<Changes> {
    tasks.changes(since, limit).await
}

/// How many tasks the user has, by status; only those that match the search, if there is one.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn counts(tasks: &UserTasks, search: Option<Search>) -> Result<TaskCounts> {
    tasks.counts(search).await
}

/// One task, or `None` when it is not there or not the user's.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn find(tasks: &UserTasks, id: TaskId) -> Result<Option<Task>> {
    tasks.find(id).await
}

/// One task. `NOT_FOUND` when it is not there or not the user's.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn get(tasks: &UserTasks, id: TaskId) -> Result<Task> {
    find(tasks, id).await?.ok_or_else(Error::task_not_found)
}

/// Adds a task.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn create(tasks: &UserTasks, new: NewTask) -> Result<Task> {
    tasks.insert(new).await
}

/// Adds tasks, all or none; they come back in the order given. `BAD_USER_INPUT` for more than [`MAX_MANY`].
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn create_many(tasks: &UserTasks, new: Vec<NewTask>) -> Result<Vec<Task>> {
    if new.len() > MAX_MANY {
        return Err(FieldError::new("inputs", Violation::TooMany(MAX_MANY)).into());
    }
    if new.is_empty() { Ok(Vec::new()) } else { tasks.insert_many(new).await }
}

/// Completes every pending task, and counts them.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn complete_all(tasks: &UserTasks) -> Result<u64> {
    tasks.complete_all().await
}

/// Deletes every completed task, and counts them.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn clear_completed(tasks: &UserTasks) -> Result<u64> {
    tasks.clear_completed().await
}

/// Completes these tasks, all or none; they come back, oldest first. `BAD_USER_INPUT` for more than [`MAX_MANY`],
/// `NOT_FOUND` when one is not there.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn complete_many(tasks: &UserTasks, ids: Vec<TaskId>) -> Result<Vec<Task>> {
    let ids = distinct(ids)?;
    if ids.is_empty() { Ok(Vec::new()) } else { all_or_none(tasks.complete_many(ids).await?) }
}

/// Deletes these tasks, all or none; they come back as they were, oldest first. `BAD_USER_INPUT` for more than
/// [`MAX_MANY`], `NOT_FOUND` when one is not there.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn delete_many(tasks: &UserTasks, ids: Vec<TaskId>) -> Result<Vec<Task>> {
    let ids = distinct(ids)?;
    if ids.is_empty() { Ok(Vec::new()) } else { all_or_none(tasks.delete_many(ids).await?) }
}

/// Duplicate ids collapse.
fn distinct(mut ids: Vec<TaskId>) -> Result<Vec<TaskId>> {
    if ids.len() > MAX_MANY {
        return Err(FieldError::new("ids", Violation::TooMany(MAX_MANY)).into());
    }
    ids.sort_unstable_by_key(|id| id.as_uuid());
    ids.dedup();
    Ok(ids)
}

fn all_or_none(tasks: Vec<Task>) -> Result<Vec<Task>> {
    if tasks.is_empty() { Err(Error::task_not_found()) } else { Ok(tasks) }
}

/// Changes the fields the patch has. `BAD_USER_INPUT` when it has none, `NOT_FOUND`, or `VERSION_CONFLICT` when the task
/// is not at the expected version.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn update(tasks: &UserTasks, id: TaskId, patch: TaskPatch, expected: Option<i64>) -> Result<Task> {
    if patch.is_empty() {
        return Err(FieldError::new("input", Violation::NothingToUpdate).into());
    }
    changed(tasks.update(id, patch, expected).await?, expected)
}

/// Deletes a task. `NOT_FOUND`, or `VERSION_CONFLICT` when it is not at the expected version.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn delete(tasks: &UserTasks, id: TaskId, expected: Option<i64>) -> Result<DeletedTask> {
    changed(tasks.delete(id, expected).await?, expected)
}

/// Turns a task from pending to completed or back. `NOT_FOUND`.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn toggle(tasks: &UserTasks, id: TaskId) -> Result<Task> {
    complete(tasks, id, None, None).await
}

/// Makes a task completed or pending; a repetition changes nothing. `NOT_FOUND`.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn set_completed(tasks: &UserTasks, id: TaskId, completed: bool) -> Result<Task> {
    complete(tasks, id, Some(completed), None).await
}

/// Makes a task completed or pending, or toggles it when neither is asked for. `NOT_FOUND`, or `VERSION_CONFLICT` when
/// the task is not at the expected version.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn complete(tasks: &UserTasks, id: TaskId, completed: Option<bool>, expected: Option<i64>) -> Result<Task> {
    let outcome = match completed {
        Some(completed) => tasks.set_completed(id, completed, expected).await?,
        None => tasks.toggle(id, expected).await?,
    };
    changed(outcome, expected)
}

fn changed<T>(outcome: Changed<T>, expected: Option<i64>) -> Result<T> {
    match outcome {
        Changed::Done(value) => Ok(value),
        Changed::Absent => Err(Error::task_not_found()),
        Changed::Conflict(task) => Err(Error::version_conflict(expected.unwrap_or_default(), task)),
    }
}
