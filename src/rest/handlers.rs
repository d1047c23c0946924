//! Each route: its inputs, one call to a resolver, its answer.

use axum::{Json, http::StatusCode};

use super::{
    body::{Completion, JsonBody},
    bulk::Bulk,
    error::RestError,
    extract::{Id, IfMatch, IfNoneMatch, Mine, Place},
    openapi,
    query::ListQuery,
    wire::{BulkAnswer, Created, TaskBody, TaskList, Versioned},
};
use crate::{
    resolvers,
    task::{NewTask, TaskPatch},
};

/// List the tasks.
///
/// Page by page, with the way to the next page in `Link`.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "listTasks",
    params(
        openapi::ListParams,
        openapi::Known,
    ),
    responses(
        (
            status = 200,
            description = "The tasks",
            body = openapi::TaskListAnswer,
            headers(
                ("ETag" = String, description = "Changes with anything in the answer"),
                ("X-Total-Count" = i64, description = "How many tasks the whole list has"),
                ("Link" = Option<String>, description = "The next page, with `rel=\"next\"`; absent on the last one"),
            ),
        ),
        (status = 304, description = "The client has this list already"),
    ),
)]
pub(super) async fn list(
    Mine(tasks): Mine,
    place: Place,
    query: ListQuery,
    known: IfNoneMatch,
) -> Result<TaskList, RestError> {
    let page = resolvers::list(&tasks, query.filter.clone(), query.page.clone()).await?;
    let total = match page.whole() {
        Some(total) => total,
        None => resolvers::counts(&tasks, query.filter.search.clone()).await?.of(query.filter.status),
    };
    Ok(TaskList::new(page, total, &place, &query).unless_known(&known))
}

/// Add a task.
#[utoipa::path(
    post,
    path = "/",
    operation_id = "createTask",
    request_body = openapi::CreateTask,
    responses((
        status = 201,
        description = "The new task",
        body = TaskBody,
        headers(
            ("ETag" = String, description = "The task's version"),
            ("Location" = String, description = "Where the task is"),
        ),
    )),
)]
pub(super) async fn create(
    Mine(tasks): Mine,
    place: Place,
    JsonBody(new): JsonBody<NewTask>,
) -> Result<Created, RestError> {
    Ok(Created::new(resolvers::create(&tasks, new).await?, &place))
}

/// Add, complete or delete many tasks.
///
/// All of it is done or, if there is something wrong with one of them, nothing.
#[utoipa::path(
    post,
    path = "/bulk",
    operation_id = "changeTasks",
    request_body = openapi::Bulk,
    responses(
        (status = 200, description = "The tasks it was done to: as they are now, or as they were", body = BulkAnswer),
        (status = 404, description = "One of them is not there"),
    ),
)]
pub(super) async fn bulk(Mine(tasks): Mine, JsonBody(bulk): JsonBody<Bulk>) -> Result<Json<BulkAnswer>, RestError> {
    Ok(Json(bulk.carry_out(&tasks).await?.into()))
}

/// Get a task.
#[utoipa::path(
    get,
    path = "/{task_id}",
    operation_id = "getTask",
    params(
        ("task_id" = Uuid, Path, description = "The task's id"),
        openapi::Known,
    ),
    responses(
        (
            status = 200,
            description = "The task",
            body = TaskBody,
            headers(("ETag" = String, description = "The task's version")),
        ),
        (status = 304, description = "The client has this version already"),
    ),
)]
pub(super) async fn get(Mine(tasks): Mine, Id(id): Id, known: IfNoneMatch) -> Result<Versioned, RestError> {
    Ok(Versioned::new(resolvers::get(&tasks, id).await?, &known))
}

/// Change a task.
///
/// What is absent is kept, as with PATCH: so had it the older backends.
#[utoipa::path(
    put,
    path = "/{task_id}",
    operation_id = "updateTask",
    params(
        ("task_id" = Uuid, Path, description = "The task's id"),
        openapi::Precondition,
    ),
    request_body = openapi::UpdateTask,
    responses((
        status = 200,
        description = "The task as it is now",
        body = TaskBody,
        headers(("ETag" = String, description = "The task's version")),
    )),
)]
pub(super) async fn update(
    Mine(tasks): Mine,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    JsonBody(patch): JsonBody<TaskPatch>,
) -> Result<Versioned, RestError> {
    Ok(resolvers::update(&tasks, id, patch, expected).await?.into())
}

/// Change a task.
///
/// What is absent is kept.
#[utoipa::path(
    patch,
    path = "/{task_id}",
    operation_id = "patchTask",
    params(
        ("task_id" = Uuid, Path, description = "The task's id"),
        openapi::Precondition,
    ),
    request_body = openapi::UpdateTask,
    responses((
        status = 200,
        description = "The task as it is now",
        body = TaskBody,
        headers(("ETag" = String, description = "The task's version")),
    )),
)]
pub(super) async fn patch(
    tasks: Mine,
    id: Id,
    expected: IfMatch,
    patch: JsonBody<TaskPatch>,
) -> Result<Versioned, RestError> {
    update(tasks, id, expected, patch).await
}

/// Delete a task.
#[utoipa::path(
    delete,
    path = "/{task_id}",
    operation_id = "deleteTask",
    params(
        ("task_id" = Uuid, Path, description = "The task's id"),
        openapi::Precondition,
    ),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn delete(Mine(tasks): Mine, Id(id): Id, IfMatch(expected): IfMatch) -> Result<StatusCode, RestError> {
    resolvers::delete(&tasks, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Complete a task, or take that back.
///
/// Without a body the state is turned around; with one it is set, which is safe to repeat.
#[utoipa::path(
    patch,
    path = "/{task_id}/complete",
    operation_id = "completeTask",
    params(
        ("task_id" = Uuid, Path, description = "The task's id"),
        openapi::Precondition,
    ),
    request_body = Option<openapi::Completion>,
    responses((
        status = 200,
        description = "The task as it is now",
        body = TaskBody,
        headers(("ETag" = String, description = "The task's version")),
    )),
)]
pub(super) async fn complete(
    Mine(tasks): Mine,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    JsonBody(Completion(completed)): JsonBody<Completion>,
) -> Result<Versioned, RestError> {
    Ok(resolvers::complete(&tasks, id, completed, expected).await?.into())
}
