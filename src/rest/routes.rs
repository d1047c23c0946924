//! The task routes. Each handler reads its input, calls one resolver and builds the response.

use axum::{
    Json, Router,
    extract::{OriginalUri, State},
    handler::Handler,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use tower::util::MapResponseLayer;

use super::{
    error::RestError,
    request::{
        body::JsonBody,
        extract::{Id, IfMatch, IfNoneMatch, OwnTasks, Prefer},
        ignored::Ignored,
    },
    responses::{CreatedTask, Deleted, DeletedMessage, TaskList, TaskListBody, Versioned},
    settings::RestSettings,
    tasks::{
        bulk::{Bulk, BulkResponse},
        changes::{ChangesBody, ChangesParams, ChangesQuery},
        event_stream::AcceptsEvents,
        list::{ListParams, ListQuery},
        push::{PushBody, PushedBody},
        task::{Completion, CreateTask, TaskBody, UpdateTask},
    },
    trash,
};
use crate::{
    http::rate_limiting::{RateLimits, change_cost},
    resolvers,
    state::SharedState,
};

/// Where the task routes are mounted. `/api/{user_id}/tasks` is the legacy form.
pub const PREFIXES: [&str; 3] = ["/api/tasks", "/api/v1/tasks", "/api/{user_id}/tasks"];

/// Generates both the list of routes and the router, so that they can't differ.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:path,)+) => {
        /// The task routes, as method and path under a prefix.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),+];

        fn under(prefix: &str) -> Router<SharedState> {
            Router::new()$(.merge(route(prefix, $path, cacheable(MethodFilter::$method, $handler))))+
        }
    };
}

routes! {
    GET "/" => list,
    POST "/" => create,
    POST "/bulk" => bulk,
    POST "/push" => push,
    GET "/changes" => changes,
    GET "/trash" => trash::list,
    DELETE "/trash" => trash::empty,
    DELETE "/trash/{task_id}" => trash::purge,
    POST "/restore" => trash::restore_many,
    GET "/{task_id}" => get,
    PUT "/{task_id}" => update,
    PATCH "/{task_id}" => patch,
    DELETE "/{task_id}" => delete,
    PATCH "/{task_id}/complete" => complete,
    POST "/{task_id}/restore" => trash::restore,
}

/// The task routes under each prefix.
pub(super) fn tasks() -> Router<SharedState> {
    PREFIXES.into_iter().fold(Router::new(), |router, prefix| router.merge(under(prefix)))
}

/// A handler whose responses may be stored only by the user's own client, and must be revalidated before reuse. A handler
/// may set a stricter `Cache-Control`.
pub(super) fn cacheable<H, T>(method: MethodFilter, handler: H) -> MethodRouter<SharedState>
where
    H: Handler<T, SharedState>,
    T: 'static,
{
    let set_headers = |mut response: Response| {
        let headers = response.headers_mut();
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
        headers.append(header::VARY, HeaderValue::from_static("authorization"));
        response
    };
    on(method, handler.layer(MapResponseLayer::new(set_headers)))
}

/// Serves a path with and without a trailing slash. FastAPI redirects instead, but browsers don't follow redirects of
/// preflights, and some clients drop the token when redirected.
pub(super) fn route(prefix: &str, path: &str, method: MethodRouter<SharedState>) -> Router<SharedState> {
    let path = format!("{prefix}{}", path.trim_end_matches('/'));
    Router::new().route(&path, method.clone()).route(&format!("{path}/"), method)
}

/// List tasks.
///
/// Returns one page. The `Link` header has the URL of the next one.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "listTasks",
    params(ListParams, Prefer, IfNoneMatch),
    responses(
        (
            status = 200,
            description = "A page of tasks",
            body = TaskListBody,
            headers(
                ("ETag" = String, description = "A weak entity tag of the whole response"),
                ("X-Total-Count" = Option<i64>, description = "The number of tasks in the whole list, if requested"),
                ("Preference-Applied" = Option<String>, description = "`count=exact` if the request preferred it"),
                ("Link" = Option<String>, description = "The URL of the next page, with `rel=\"next\"`; absent on the last page"),
            ),
        ),
        (status = 304, description = "The client already has this page"),
    ),
)]
async fn list(
    OwnTasks(tasks): OwnTasks,
    OriginalUri(uri): OriginalUri,
    State(rest): State<RestSettings>,
    query: ListQuery,
    cached: IfNoneMatch,
) -> Result<TaskList, RestError> {
    let page = resolvers::list(&tasks, query.filter.clone(), query.page.clone()).await?;
    Ok(TaskList::new(page, &uri, &query, &cached, rest))
}

/// Create a task.
#[utoipa::path(
    post,
    path = "/",
    operation_id = "createTask",
    request_body = CreateTask,
    responses(
        (
            status = 200,
            description = "There was a task with this `id` that says the same: nothing has changed",
            body = TaskBody,
            headers(
                ("ETag" = String, description = "The task's version"),
                ("Location" = String, description = "The task's URL"),
            ),
        ),
        (
            status = 201,
            description = "The new task",
            body = TaskBody,
            headers(
                ("ETag" = String, description = "The task's version"),
                ("Location" = String, description = "The task's URL"),
            ),
        ),
    ),
)]
async fn create(
    OwnTasks(tasks): OwnTasks,
    OriginalUri(uri): OriginalUri,
    State(rest): State<RestSettings>,
    JsonBody(new, ignored): JsonBody<CreateTask>,
) -> Result<(Ignored, CreatedTask), RestError> {
    Ok((ignored, CreatedTask::new(resolvers::create(&tasks, new.into()).await?, &uri, rest)))
}

/// Create, complete or delete many tasks.
///
/// All or nothing: if any task is invalid or doesn't exist, nothing changes.
#[utoipa::path(
    post,
    path = "/bulk",
    operation_id = "changeTasks",
    request_body = Bulk,
    responses(
        (status = 200, description = "The affected tasks, as they are now; deleted tasks as they were", body = BulkResponse),
        (status = 404, description = "One of the tasks doesn't exist"),
    ),
)]
async fn bulk(
    OwnTasks(tasks): OwnTasks,
    State(limits): State<RateLimits>,
    State(rest): State<RestSettings>,
    JsonBody(bulk, ignored): JsonBody<Bulk>,
) -> Result<(Ignored, Json<BulkResponse>), RestError> {
    limits.charge(tasks.user(), change_cost(bulk.count()))?;
    Ok((ignored, Json(BulkResponse::new(bulk.apply(&tasks).await?, rest))))
}

/// Push changes.
///
/// Merges what a client changed in its replica of the user's tasks, in order and at once. A change is applied field by field if no
/// field that it changes was changed by others since its base, a deletion if nothing was. All changes were applied but those
/// in the response. Pushing twice is pushing once.
#[utoipa::path(
    post,
    path = "/push",
    operation_id = "pushChanges",
    request_body = PushBody,
    responses((status = 200, description = "The changes that were not applied", body = PushedBody)),
)]
async fn push(
    OwnTasks(tasks): OwnTasks,
    State(limits): State<RateLimits>,
    State(rest): State<RestSettings>,
    JsonBody(PushBody { changes }, ignored): JsonBody<PushBody>,
) -> Result<(Ignored, Json<PushedBody>), RestError> {
    limits.charge(tasks.user(), change_cost(changes.count()))?;
    Ok((ignored, Json(PushedBody::new(resolvers::push(&tasks, changes).await?, rest))))
}

/// Get changes.
///
/// Returns what was created, changed and deleted since a cursor, in commit order: the latest state of each task. Pass the
/// `cursor` of the response in the next request to keep a replica up to date.
#[utoipa::path(
    get,
    path = "/changes",
    operation_id = "getChanges",
    params(ChangesParams, AcceptsEvents),
    responses((
        status = 200,
        description = "A page of the change feed. With `Accept: text/event-stream`, a stream of pages: each is an event \
                       `changes` with the page as `data` and its cursor as `id`. The first is sent immediately, further \
                       ones whenever something changes, and comments as heartbeats in between. An event `end` with a \
                       `code` is sent before the server closes the stream because the token expired or the feed failed",
        content((ChangesBody = "application/json"), (String = "text/event-stream")),
    )),
)]
async fn changes(
    OwnTasks(tasks): OwnTasks,
    State(rest): State<RestSettings>,
    ChangesQuery { since, limit }: ChangesQuery,
    AcceptsEvents(subscriber): AcceptsEvents,
) -> Result<Response, RestError> {
    match subscriber {
        Some(subscriber) => subscriber.subscribe(tasks, since),
        None => Ok(ChangesBody::new(resolvers::changes(&tasks, &since, limit).await?, rest).into_response()),
    }
}

/// Get a task.
#[utoipa::path(
    get,
    path = "/{task_id}",
    operation_id = "getTask",
    params(Id, IfNoneMatch),
    responses(
        (
            status = 200,
            description = "The task",
            body = TaskBody,
            headers(("ETag" = String, description = "The task's version")),
        ),
        (status = 304, description = "The client already has this version"),
    ),
)]
async fn get(
    OwnTasks(tasks): OwnTasks,
    State(rest): State<RestSettings>,
    Id(id): Id,
    cached: IfNoneMatch,
) -> Result<Versioned, RestError> {
    Ok(Versioned::new(resolvers::get(&tasks, id).await?, rest).unless_cached(&cached))
}

/// Update a task.
///
/// Omitted fields stay unchanged: this is the same as `PATCH`, for clients of the older backends.
#[utoipa::path(
    put,
    path = "/{task_id}",
    operation_id = "updateTask",
    params(Id, IfMatch),
    request_body = UpdateTask,
    responses((
        status = 200,
        description = "The updated task",
        body = TaskBody,
        headers(("ETag" = String, description = "The task's version")),
    )),
)]
async fn update(
    OwnTasks(tasks): OwnTasks,
    State(rest): State<RestSettings>,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    JsonBody(patch, ignored): JsonBody<UpdateTask>,
) -> Result<(Ignored, Versioned), RestError> {
    let updated = resolvers::update(&tasks, id, patch.into(), expected).await;
    let updated = updated.map_err(|error| RestError::of_change(error, rest))?;
    Ok((ignored, Versioned::new(updated, rest)))
}

/// Update a task.
///
/// Omitted fields stay unchanged.
#[utoipa::path(
    patch,
    path = "/{task_id}",
    operation_id = "patchTask",
    params(Id, IfMatch),
    request_body = UpdateTask,
    responses((
        status = 200,
        description = "The updated task",
        body = TaskBody,
        headers(("ETag" = String, description = "The task's version")),
    )),
)]
async fn patch(
    tasks: OwnTasks,
    rest: State<RestSettings>,
    id: Id,
    expected: IfMatch,
    patch: JsonBody<UpdateTask>,
) -> Result<(Ignored, Versioned), RestError> {
    update(tasks, rest, id, expected, patch).await
}

/// Delete a task.
///
/// It stays in the trash for a while, from where it can be restored.
#[utoipa::path(
    delete,
    path = "/{task_id}",
    operation_id = "deleteTask",
    params(Id, IfMatch),
    responses(
        (status = 200, description = "The task is deleted", body = DeletedMessage),
        (status = 204, description = "The task is deleted"),
    ),
)]
async fn delete(
    OwnTasks(tasks): OwnTasks,
    State(rest): State<RestSettings>,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<Deleted, RestError> {
    let deleted = resolvers::delete(&tasks, id, expected).await;
    deleted.map_err(|error| RestError::of_change(error, rest))?;
    Ok(Deleted(rest.delete))
}

/// Complete or reopen a task.
///
/// Without a body, toggles the state. With a body, sets it, which is safe to repeat.
#[utoipa::path(
    patch,
    path = "/{task_id}/complete",
    operation_id = "completeTask",
    params(Id, IfMatch),
    request_body = Option<Completion>,
    responses((
        status = 200,
        description = "The updated task",
        body = TaskBody,
        headers(("ETag" = String, description = "The task's version")),
    )),
)]
async fn complete(
    OwnTasks(tasks): OwnTasks,
    State(rest): State<RestSettings>,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    JsonBody(Completion { completed }, ignored): JsonBody<Completion>,
) -> Result<(Ignored, Versioned), RestError> {
    let task = resolvers::complete(&tasks, id, completed, expected).await;
    let task = task.map_err(|error| RestError::of_change(error, rest))?;
    Ok((ignored, Versioned::new(task, rest)))
}
