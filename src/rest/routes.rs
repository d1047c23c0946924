//! The task routes: for each its inputs, one call to a resolver, and its answer.

use axum::{
    Json, Router,
    extract::{OriginalUri, State},
    handler::Handler,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use tower::util::MapResponseLayer;

use super::{
    error::RestError,
    request::{
        body::JsonBody,
        extract::{Id, IfMatch, IfNoneMatch, OwnTasks, Prefer},
    },
    responses::{Created, TaskList, TaskListBody, Versioned},
    tasks::{
        bulk::{Bulk, BulkAnswer},
        changes::{ChangesBody, ChangesParams, ChangesQuery},
        event_stream::WantsEvents,
        list::{ListParams, ListQuery},
        task::{Completion, CreateTask, TaskBody, UpdateTask},
    },
};
use crate::{
    http::rate_limiting::{RateLimits, change_cost},
    resolvers,
    state::SharedState,
};

/// Where the task routes are mounted. `/api/{user_id}/tasks` is the legacy form.
pub const PREFIXES: [&str; 3] = ["/api/tasks", "/api/v1/tasks", "/api/{user_id}/tasks"];

/// Makes the list of routes and the router from the same lines, so that they can't differ.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:ident,)+) => {
        /// The task routes, as method and path below a prefix.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),+];

        fn below(prefix: &str) -> Router<SharedState> {
            Router::new()$(.merge(route(prefix, $path, described(MethodFilter::$method, $handler))))+
        }
    };
}

routes! {
    GET "/" => list,
    POST "/" => create,
    POST "/bulk" => bulk,
    GET "/changes" => changes,
    GET "/{task_id}" => get,
    PUT "/{task_id}" => update,
    PATCH "/{task_id}" => patch,
    DELETE "/{task_id}" => delete,
    PATCH "/{task_id}/complete" => complete,
}

/// The task routes below each of their prefixes.
pub(super) fn tasks() -> Router<SharedState> {
    PREFIXES.into_iter().fold(Router::new(), |router, prefix| router.merge(below(prefix)))
}

/// A handler whose answers belong to the token's user and are to be revalidated with their entity tags, unless they say
/// otherwise.
fn described<H, T>(method: MethodFilter, handler: H) -> MethodRouter<SharedState>
where
    H: Handler<T, SharedState>,
    T: 'static,
{
    let describe = |mut response: Response| {
        let headers = response.headers_mut();
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
        headers.append(header::VARY, HeaderValue::from_static("authorization"));
        response
    };
    on(method, handler.layer(MapResponseLayer::new(describe)))
}

/// With and without a trailing slash. FastAPI redirects from one to the other, but browsers follow no redirect in a
/// preflight, and some clients drop the token on the way.
fn route(prefix: &str, path: &str, method: MethodRouter<SharedState>) -> Router<SharedState> {
    let path = format!("{prefix}{}", path.trim_end_matches('/'));
    Router::new().route(&path, method.clone()).route(&format!("{path}/"), method)
}

/// List tasks.
///
/// In pages; `Link` leads to the next one.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "listTasks",
    params(ListParams, Prefer, IfNoneMatch),
    responses(
        (
            status = 200,
            description = "The tasks",
            body = TaskListBody,
            headers(
                ("ETag" = String, description = "Changes with anything in the answer"),
                ("X-Total-Count" = Option<i64>, description = "The length of the whole list, if asked for"),
                ("Preference-Applied" = Option<String>, description = "`count=exact` if that was preferred"),
                ("Link" = Option<String>, description = "The next page, with `rel=\"next\"`; absent on the last one"),
            ),
        ),
        (status = 304, description = "The client has this list already"),
    ),
)]
async fn list(
    OwnTasks(tasks): OwnTasks,
    OriginalUri(uri): OriginalUri,
    query: ListQuery,
    known: IfNoneMatch,
) -> Result<TaskList, RestError> {
    let page = resolvers::list(&tasks, query.filter.clone(), query.page.clone()).await?;
    Ok(TaskList::new(page, &uri, &query).unless_known(&known))
}

/// Create a task.
#[utoipa::path(
    post,
    path = "/",
    operation_id = "createTask",
    request_body = CreateTask,
    responses((
        status = 201,
        description = "The new task",
        body = TaskBody,
        headers(
            ("ETag" = String, description = "The task's version"),
            ("Location" = String, description = "The task's URL"),
        ),
    )),
)]
async fn create(
    OwnTasks(tasks): OwnTasks,
    OriginalUri(uri): OriginalUri,
    JsonBody(new): JsonBody<CreateTask>,
) -> Result<Created, RestError> {
    Ok(Created::new(resolvers::create(&tasks, new.into()).await?, &uri))
}

/// Create, complete or delete many tasks.
///
/// All or none: if one of them is invalid or missing, nothing changes.
#[utoipa::path(
    post,
    path = "/bulk",
    operation_id = "changeTasks",
    request_body = Bulk,
    responses(
        (status = 200, description = "The affected tasks: after the change, or before their deletion", body = BulkAnswer),
        (status = 404, description = "One of the tasks doesn't exist"),
    ),
)]
async fn bulk(
    OwnTasks(tasks): OwnTasks,
    State(limits): State<RateLimits>,
    JsonBody(bulk): JsonBody<Bulk>,
) -> Result<Json<BulkAnswer>, RestError> {
    limits.charge(tasks.user(), change_cost(bulk.count()))?;
    Ok(Json(bulk.apply(&tasks).await?.into()))
}

/// Get what changed.
///
/// What happened to the tasks, in the order in which it was committed: each task's latest state, and which were deleted. Repeat
/// it with the `cursor` of the answer to keep a replica up to date.
#[utoipa::path(
    get,
    path = "/changes",
    operation_id = "getChanges",
    params(ChangesParams, WantsEvents),
    responses((
        status = 200,
        description = "A page of the change feed. With `Accept: text/event-stream`, a stream of them: `event: changes` with a \
                       page as `data` and its cursor as `id`, first at once and then whenever something happens; a \
                       comment now and then; and `event: end` with a `code` if the token expires or the feed fails",
        content((ChangesBody = "application/json"), (String = "text/event-stream")),
    )),
)]
async fn changes(
    OwnTasks(tasks): OwnTasks,
    ChangesQuery { since, limit }: ChangesQuery,
    WantsEvents(subscriber): WantsEvents,
) -> Result<Response, RestError> {
    match subscriber {
        Some(subscriber) => subscriber.follow(tasks, since),
        None => Ok(ChangesBody::from(resolvers::changes(&tasks, &since, limit).await?).into_response()),
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
        (status = 304, description = "The client has this version already"),
    ),
)]
async fn get(OwnTasks(tasks): OwnTasks, Id(id): Id, known: IfNoneMatch) -> Result<Versioned, RestError> {
    Ok(Versioned::new(resolvers::get(&tasks, id).await?, &known))
}

/// Update a task.
///
/// Omitted fields stay unchanged, as with PATCH and as in the older backends.
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
    Id(id): Id,
    IfMatch(expected): IfMatch,
    JsonBody(patch): JsonBody<UpdateTask>,
) -> Result<Versioned, RestError> {
    Ok(resolvers::update(&tasks, id, patch.into(), expected).await?.into())
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
    id: Id,
    expected: IfMatch,
    patch: JsonBody<UpdateTask>,
) -> Result<Versioned, RestError> {
    update(tasks, id, expected, patch).await
}

/// Delete a task.
#[utoipa::path(
    delete,
    path = "/{task_id}",
    operation_id = "deleteTask",
    params(Id, IfMatch),
    responses((status = 204, description = "The task is deleted")),
)]
async fn delete(OwnTasks(tasks): OwnTasks, Id(id): Id, IfMatch(expected): IfMatch) -> Result<StatusCode, RestError> {
    resolvers::delete(&tasks, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Complete or reopen a task.
///
/// Without a body the state is toggled. With one it is set, which is safe to repeat.
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
    Id(id): Id,
    IfMatch(expected): IfMatch,
    JsonBody(Completion { completed }): JsonBody<Completion>,
) -> Result<Versioned, RestError> {
    Ok(resolvers::complete(&tasks, id, completed, expected).await?.into())
}
