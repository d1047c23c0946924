//! Successful responses: status, headers and body.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    http::{HeaderName, StatusCode, Uri, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    request::extract::{IfNoneMatch, Prefer},
    settings::{DeleteForm, RestSettings},
    tasks::{list::ListQuery, task::TaskBody},
};
use crate::{
    http::request::Json,
    task::{Created, Cursor, ListKey, Page, Task},
};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// A page of a list. Its entity tag covers the tasks, the total and the link to the next page.
pub(super) struct TaskList {
    /// `None` if the client already has this page.
    body: Option<TaskListBody>,
    total: Option<i64>,
    prefer: Prefer,
    next: Option<String>,
    tag: String,
}

/// An array, or with `envelope=true` an object.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskListResponse)]
#[serde(untagged)]
pub(super) enum TaskListBody {
    /// The tasks.
    Bare(Vec<TaskBody>),
    /// The tasks and their total.
    Enveloped(Envelope),
}

/// The format of some older backends.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskList)]
pub(super) struct Envelope {
    /// The tasks of this page.
    tasks: Vec<TaskBody>,
    /// The number of tasks in the whole list.
    #[schema(minimum = 0)]
    total: i64,
}

impl TaskList {
    /// `collection` is the request's URI: links repeat the prefix that the client used.
    pub(super) fn new(
        page: Page,
        collection: &Uri,
        query: &ListQuery,
        cached: &IfNoneMatch,
        rest: RestSettings,
    ) -> Self {
        let last = if page.has_next { page.tasks.last() } else { None };
        let cursor = last.map(|task| Cursor::of(task, ListKey::of(query.page.sort, &query.filter)));
        let next = cursor.map(|cursor| next_link(collection, &query.without_position, &cursor));
        let tag = list_tag(&page, next.as_deref());
        let total = page.total;
        let tasks = page.tasks.into_iter().map(|task| TaskBody::new(task, rest)).collect();
        let body = match total {
            Some(total) if query.has_envelope => TaskListBody::Enveloped(Envelope { tasks, total }),
            _ => TaskListBody::Bare(tasks),
        };
        Self { body: (!cached.matches(&tag)).then_some(body), total, prefer: query.prefer, next, tag }
    }
}

/// The link to the page after this cursor.
pub(super) fn next_link(collection: &Uri, without_position: &str, cursor: &Cursor) -> String {
    let separator = if without_position.is_empty() { "" } else { "&" };
    format!("<{}?{without_position}{separator}cursor={cursor}>; rel=\"next\"", collection.path())
}

/// What depends on the client's preferences, and the link to the next page.
pub(super) fn page_headers(
    total: Option<i64>,
    prefer: Prefer,
    next: Option<String>,
) -> impl Iterator<Item = (HeaderName, String)> {
    let total = total.map(|total| (TOTAL_COUNT, total.to_string()));
    let applied = prefer.count.then(|| (PREFERENCE_APPLIED, "count=exact".to_owned()));
    let next = next.map(|next| (header::LINK, next));
    [(header::VARY, "prefer".to_owned())].into_iter().chain(total).chain(applied).chain(next)
}

/// A task's id and version determine its representation. The tag is weak, because another release may send the same tasks
/// in different bytes.
fn list_tag(page: &Page, next: Option<&str>) -> String {
    let mut content = Vec::new();
    for task in &page.tasks {
        content.extend_from_slice(task.id.as_uuid().as_bytes());
        content.extend_from_slice(&task.version.to_be_bytes());
    }
    if let Some(total) = page.total {
        content.extend_from_slice(&total.to_be_bytes());
    }
    content.extend_from_slice(next.unwrap_or_default().as_bytes());
    let digest = digest(&SHA256, &content);
    format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default()))
}

impl IntoResponse for TaskList {
    fn into_response(self) -> Response {
        let response =
            self.body.map_or_else(|| StatusCode::NOT_MODIFIED.into_response(), |body| Json(body).into_response());
        let headers = page_headers(self.total, self.prefer, self.next);
        (AppendHeaders([(header::ETAG, self.tag)].into_iter().chain(headers)), response).into_response()
    }
}

/// A new task and its URL, or the one that was there already.
pub(super) struct CreatedTask {
    status: StatusCode,
    location: String,
    task: Versioned,
}

impl CreatedTask {
    pub(super) fn new(Created { task, is_new }: Created, collection: &Uri, rest: RestSettings) -> Self {
        let location = format!("{}/{}", collection.path().trim_end_matches('/'), task.id);
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        Self { status, location, task: Versioned::new(task, rest) }
    }
}

impl IntoResponse for CreatedTask {
    fn into_response(self) -> Response {
        (self.status, [(header::LOCATION, self.location)], self.task).into_response()
    }
}

/// A task, with its version as entity tag.
pub(super) struct Versioned {
    tag: String,
    /// `None` if the client already has this version.
    task: Option<TaskBody>,
}

impl Versioned {
    pub(super) fn new(task: Task, rest: RestSettings) -> Self {
        Self { tag: format!("\"{}\"", task.version), task: Some(TaskBody::new(task, rest)) }
    }

    /// Without the task, if the client already has this version.
    pub(super) fn unless_cached(self, cached: &IfNoneMatch) -> Self {
        Self { task: self.task.filter(|_| !cached.matches(&self.tag)), ..self }
    }
}

impl IntoResponse for Versioned {
    fn into_response(self) -> Response {
        let tag = [(header::ETAG, self.tag)];
        match self.task {
            Some(task) => (tag, Json(task)).into_response(),
            None => (StatusCode::NOT_MODIFIED, tag).into_response(),
        }
    }
}

/// What is answered to a deletion.
pub(super) struct Deleted(pub(super) DeleteForm);

/// The answer of some older backends to a deletion.
#[derive(Serialize, ToSchema)]
#[schema(as = Deleted)]
pub(super) struct DeletedMessage {
    /// That the task is deleted.
    #[schema(example = "Task deleted successfully")]
    message: &'static str,
}

impl IntoResponse for Deleted {
    fn into_response(self) -> Response {
        match self.0 {
            DeleteForm::NoContent => StatusCode::NO_CONTENT.into_response(),
            DeleteForm::Message => Json(DeletedMessage { message: "Task deleted successfully" }).into_response(),
        }
    }
}
