//! The routes of deleted tasks that can be restored.

use axum::{
    Json,
    extract::{OriginalUri, State},
};

use super::{
    error::RestError,
    request::{
        body::JsonBody,
        extract::{Id, IfMatch, OwnTasks, Prefer},
        ignored::Ignored,
    },
    responses::{Deleted, DeletedMessage, Versioned},
    settings::RestSettings,
    tasks::{
        bulk::BulkResponse,
        task::TaskBody,
        trash::{EmptiedBody, RestoreTasks, TrashList, TrashParams, TrashQuery, TrashedBody},
    },
};
use crate::{
    http::rate_limiting::{RateLimits, change_cost},
    resolvers,
};

/// List the trash.
///
/// Returns a page of the deleted tasks that can be restored, newest deletion first. The `Link` header has the URL of the next
/// one.
#[utoipa::path(
    get,
    path = "/trash",
    operation_id = "listTrash",
    params(TrashParams, Prefer),
    responses((
        status = 200,
        description = "A page of deleted tasks",
        body = Vec<TrashedBody>,
        headers(
            ("X-Total-Count" = Option<i64>, description = "The number of all tasks in the trash that match, if requested"),
            ("Preference-Applied" = Option<String>, description = "`count=exact` if the request preferred it"),
            ("Link" = Option<String>, description = "The URL of the next page, with `rel=\"next\"`; absent on the last page"),
        ),
    )),
)]
pub(super) async fn list(
    OwnTasks(tasks): OwnTasks,
    OriginalUri(uri): OriginalUri,
    State(rest): State<RestSettings>,
    query: TrashQuery,
) -> Result<TrashList, RestError> {
    let page = resolvers::trash(&tasks, query.request.clone()).await?;
    Ok(TrashList::new(page, &uri, &query, rest))
}

/// Restore a task.
///
/// Takes a deleted task out of the trash, with the same id. A task that exists is returned unchanged, so this is safe to repeat.
#[utoipa::path(
    post,
    path = "/{task_id}/restore",
    operation_id = "restoreTask",
    params(Id, IfMatch),
    responses((
        status = 200,
        description = "The restored task",
        body = TaskBody,
        headers(("ETag" = String, description = "The task's version")),
    )),
)]
pub(super) async fn restore(
    OwnTasks(tasks): OwnTasks,
    State(rest): State<RestSettings>,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<Versioned, RestError> {
    Ok(Versioned::new(resolvers::restore(&tasks, id, expected).await?, rest))
}

/// Restore many tasks.
///
/// All or nothing: if any task is neither in the trash nor exists, nothing changes. Tasks that exist are returned unchanged.
#[utoipa::path(
    post,
    path = "/restore",
    operation_id = "restoreTasks",
    request_body = RestoreTasks,
    responses(
        (status = 200, description = "The tasks as they are now, oldest first", body = BulkResponse),
        (status = 404, description = "One of the tasks is not in the trash"),
    ),
)]
pub(super) async fn restore_many(
    OwnTasks(tasks): OwnTasks,
    State(limits): State<RateLimits>,
    State(rest): State<RestSettings>,
    JsonBody(RestoreTasks { ids }, ignored): JsonBody<RestoreTasks>,
) -> Result<(Ignored, Json<BulkResponse>), RestError> {
    limits.charge(tasks.user(), change_cost(ids.len()))?;
    Ok((ignored, Json(BulkResponse::new(resolvers::restore_many(&tasks, ids).await?, rest))))
}

/// Remove a task from the trash for good.
#[utoipa::path(
    delete,
    path = "/trash/{task_id}",
    operation_id = "purgeTask",
    params(Id),
    responses(
        (status = 200, description = "The task is gone", body = DeletedMessage),
        (status = 204, description = "The task is gone"),
    ),
)]
pub(super) async fn purge(
    OwnTasks(tasks): OwnTasks,
    State(rest): State<RestSettings>,
    Id(id): Id,
) -> Result<Deleted, RestError> {
    resolvers::purge(&tasks, id).await?;
    Ok(Deleted(rest.delete))
}

/// Empty the trash.
///
/// Removes all tasks from it for good.
#[utoipa::path(
    delete,
    path = "/trash",
    operation_id = "emptyTrash",
    responses((status = 200, description = "How many tasks are gone", body = EmptiedBody)),
)]
pub(super) async fn empty(OwnTasks(tasks): OwnTasks) -> Result<Json<EmptiedBody>, RestError> {
    Ok(Json(EmptiedBody { count: resolvers::empty_trash(&tasks).await? }))
}
