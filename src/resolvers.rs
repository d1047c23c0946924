//! The operations, with the rules that both APIs share. Here a missing task becomes an error.

use std::collections::HashSet;

use tracing::instrument;

use crate::{
    error::{Error, Result},
    store::{Changed, Cleared, ManyDeleted, UserTasks},
    task::{
        Changes, Created, DeletedTask, DueChange, FieldError, Filter, Limit, MAX_BULK, NewTask, Page, PageRequest,
        Pushed, Pushes, Search, Since, TagCount, Task, TaskCounts, TaskId, TaskPatch, TrashPage, TrashRequest,
        Violation,
    },
};

/// Returns a page of the user's tasks.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn list(tasks: &UserTasks, filter: Filter, request: PageRequest) -> Result<Page> {
    tasks.list(filter, request).await
}

/// Returns a page of the user's change feed.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn changes(tasks: &UserTasks, since: &Since, limit: Limit) -> Result<Changes> {
    tasks.changes(since, limit).await
}

/// Counts the user's tasks by status; only those that the filter selects, whatever its status.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn counts(tasks: &UserTasks, filter: Filter) -> Result<TaskCounts> {
    tasks.counts(filter).await
}

/// Returns the tags that most of the user's tasks have.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn tags(tasks: &UserTasks, limit: Limit) -> Result<Vec<TagCount>> {
    tasks.tags(limit).await
}

/// Returns a task, or `None` if it doesn't exist or is another user's.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn find(tasks: &UserTasks, id: TaskId) -> Result<Option<Task>> {
    tasks.find(id).await
}

/// Returns a task. Fails with `NOT_FOUND` if it doesn't exist or is another user's.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn get(tasks: &UserTasks, id: TaskId) -> Result<Task> {
    find(tasks, id).await?.ok_or_else(Error::task_not_found)
}

/// Creates a task. With the id of a task that says the same, returns that one; fails with `ID_TAKEN` if it says something else, or
/// was deleted.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn create(tasks: &UserTasks, new: NewTask) -> Result<Created> {
    tasks.insert(new).await
}

/// Creates all of these tasks or none, and returns them in the same order; ids are as in [`create`]. Fails with
/// `BAD_USER_INPUT` if there are more than [`MAX_BULK`], or if two have the same id.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn create_many(tasks: &UserTasks, new: Vec<NewTask>) -> Result<Vec<Task>> {
    if new.len() > MAX_BULK {
        return Err(FieldError::new("inputs", Violation::TooMany(MAX_BULK)).into());
    }
    let mut ids = HashSet::new();
    let is_repeated = |(_, new): &(usize, &NewTask)| new.id.is_some_and(|id| !ids.insert(id));
    if let Some((index, _)) = new.iter().enumerate().find(is_repeated) {
        return Err(FieldError::new("id", Violation::Custom("two tasks have this id")).at("create", index).into());
    }
    if new.is_empty() { Ok(Vec::new()) } else { tasks.insert_many(new).await }
}

/// Merges the changes that a replica pushes, in order, and returns what is there of each task whose change conflicts or is
/// refused. Fails with `BAD_USER_INPUT` if there are more than [`MAX_BULK`].
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn push(tasks: &UserTasks, pushes: Pushes) -> Result<Pushed> {
    if pushes.count() > MAX_BULK {
        return Err(FieldError::new("changes", Violation::TooMany(MAX_BULK)).into());
    }
    let Pushes { pushes, mut refused } = pushes;
    let outcome = if pushes.is_empty() { Pushed::default() } else { tasks.push(pushes).await? };
    refused.extend(outcome.refused);
    Ok(Pushed { refused, ..outcome })
}

/// Completes all pending tasks, and returns their number.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn complete_all(tasks: &UserTasks) -> Result<u64> {
    tasks.complete_all().await
}

/// Deletes all completed tasks.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn clear_completed(tasks: &UserTasks) -> Result<Cleared> {
    tasks.clear_completed().await
}

/// Completes all of these tasks or none, and returns them, oldest first. Fails with `BAD_USER_INPUT` if there are more than
/// [`MAX_BULK`], and with `NOT_FOUND` if one doesn't exist.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn complete_many(tasks: &UserTasks, ids: Vec<TaskId>) -> Result<Vec<Task>> {
    let ids = distinct(ids)?;
    if ids.is_empty() { Ok(Vec::new()) } else { all_or_none(tasks.complete_many(ids).await?) }
}

/// Deletes all of these tasks or none, and returns them as they were. Fails with `BAD_USER_INPUT` if there are more than
/// [`MAX_BULK`], and with `NOT_FOUND` if one doesn't exist.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn delete_many(tasks: &UserTasks, ids: Vec<TaskId>) -> Result<ManyDeleted> {
    let ids = distinct(ids)?;
    if ids.is_empty() {
        return Ok(ManyDeleted::default());
    }
    let deleted = tasks.delete_many(ids).await?;
    if deleted.ids.is_empty() { Err(Error::task_not_found()) } else { Ok(deleted) }
}

/// Returns a page of the user's trash.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn trash(tasks: &UserTasks, request: TrashRequest) -> Result<TrashPage> {
    tasks.trash(request).await
}

/// Counts the tasks in the user's trash that match the search.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn trash_total(tasks: &UserTasks, search: Option<Search>) -> Result<u64> {
    tasks.trash_total(search).await
}

/// Takes a task out of the trash; returns one that exists as it is. Fails with `NOT_FOUND` if it is neither here nor there, or
/// with `VERSION_CONFLICT` if its deletion is not at the expected version.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn restore(tasks: &UserTasks, id: TaskId, expected: Option<i64>) -> Result<Task> {
    match tasks.restore(id, expected).await? {
        Changed::Conflict(task) => Err(Error::deletion_conflict(expected.unwrap_or_default(), task.version)),
        changed => to_result(changed, expected),
    }
}

/// Takes all of these tasks out of the trash or none, and returns them, oldest first; those that exist, as they are. Fails with
/// `BAD_USER_INPUT` if there are more than [`MAX_BULK`], and with `NOT_FOUND` if one is neither here nor there.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn restore_many(tasks: &UserTasks, ids: Vec<TaskId>) -> Result<Vec<Task>> {
    let ids = distinct(ids)?;
    if ids.is_empty() { Ok(Vec::new()) } else { all_or_none(tasks.restore_many(ids).await?) }
}

/// Removes what a task in the trash said. Fails with `NOT_FOUND` if it isn't there.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn purge(tasks: &UserTasks, id: TaskId) -> Result<DeletedTask> {
    tasks.purge(id).await?.ok_or_else(Error::task_not_found)
}

/// Removes what all tasks in the trash said, and returns their number.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn empty_trash(tasks: &UserTasks) -> Result<u64> {
    tasks.empty_trash().await
}

/// Removes duplicate ids.
fn distinct(mut ids: Vec<TaskId>) -> Result<Vec<TaskId>> {
    if ids.len() > MAX_BULK {
        return Err(FieldError::new("ids", Violation::TooMany(MAX_BULK)).into());
    }
    ids.sort_unstable_by_key(|id| id.as_uuid());
    ids.dedup();
    Ok(ids)
}

fn all_or_none(tasks: Vec<Task>) -> Result<Vec<Task>> {
    if tasks.is_empty() { Err(Error::task_not_found()) } else { Ok(tasks) }
}

/// Changes the fields of the patch. Fails with `BAD_USER_INPUT` if it has none, with `NOT_FOUND`, or with `VERSION_CONFLICT`
/// if the task is not at the expected version.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn update(tasks: &UserTasks, id: TaskId, patch: TaskPatch, expected: Option<i64>) -> Result<Task> {
    if patch.is_empty() {
        return Err(FieldError::new("input", Violation::NothingToUpdate).into());
    }
    if let Some(DueChange::Zone(zone)) = patch.due.clone() {
        return to_result(tasks.move_due(id, zone, patch, expected).await?, expected);
    }
    to_result(tasks.update(id, patch, expected).await?, expected)
}

/// Deletes a task. Fails with `NOT_FOUND`, or with `VERSION_CONFLICT` if it is not at the expected version.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn delete(tasks: &UserTasks, id: TaskId, expected: Option<i64>) -> Result<DeletedTask> {
    to_result(tasks.delete(id, expected).await?, expected)
}

/// Completes or reopens a task; `None` toggles it. Fails with `NOT_FOUND`, or with `VERSION_CONFLICT` if the task is not at
/// the expected version.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn complete(tasks: &UserTasks, id: TaskId, completed: Option<bool>, expected: Option<i64>) -> Result<Task> {
    let changed = match completed {
        Some(completed) => tasks.set_completed(id, completed, expected).await?,
        None => tasks.toggle(id, expected).await?,
    };
    to_result(changed, expected)
}

/// Erases everything that the user has.
#[instrument(target = "tandem_trace", level = "debug", skip_all)]
pub async fn erase(tasks: &UserTasks) -> Result<()> {
    tasks.erase().await.map(drop)
}

fn to_result<T>(changed: Changed<T>, expected: Option<i64>) -> Result<T> {
    match changed {
        Changed::Done(value) => Ok(value),
        Changed::Absent => Err(Error::task_not_found()),
        Changed::Conflict(task) => Err(Error::version_conflict(expected.unwrap_or_default(), task)),
    }
}
