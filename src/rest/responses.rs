//! Successful answers: their status, headers and bodies.

use aws_lc_rs::digest;
use axum::{
    Json,
    http::{HeaderName, StatusCode, Uri, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use utoipa::ToSchema;

use super::{extract::IfNoneMatch, list::ListQuery, task::TaskBody};
use crate::task::{Cursor, Page, Task};

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// A page of a list, with its total, the link to the next page, and an entity tag that covers all of these.
pub(super) struct TaskList {
    body: TaskListBody,
    total: i64,
    next: Option<String>,
    tag: String,
    is_known: bool,
}

/// A list, or with `envelope=true` an object around it.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskListAnswer)]
#[serde(untagged)]
pub(super) enum TaskListBody {
    /// The tasks.
    Bare(Vec<TaskBody>),
    /// The tasks and their total.
    Enveloped(Envelope),
}

/// A list as some of the older backends sent it.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskList)]
pub(super) struct Envelope {
    /// The tasks of this page.
    tasks: Vec<TaskBody>,
    /// How many tasks the whole list has.
    #[schema(minimum = 0)]
    total: i64,
}

impl TaskList {
    /// `collection` is the path as the client spelled it.
    pub(super) fn new(page: Page, total: i64, collection: &Uri, query: &ListQuery) -> Self {
        let last = if page.has_next { page.tasks.last() } else { None };
        let next = last.map(|task| {
            let separator = if query.without_position.is_empty() { "" } else { "&" };
            let cursor = Cursor::of(task, query.page.sort);
            format!("<{}?{}{separator}cursor={cursor}>; rel=\"next\"", collection.path(), query.without_position)
        });
        let tag = list_tag(&page.tasks, total, next.as_deref());
        let tasks = page.tasks.into_iter().map(Into::into).collect();
        let body = if query.has_envelope {
            TaskListBody::Enveloped(Envelope { tasks, total })
        } else {
            TaskListBody::Bare(tasks)
        };
        Self { body, total, next, tag, is_known: false }
    }

    /// Without a body if the client has this list already.
    pub(super) fn unless_known(self, known: &IfNoneMatch) -> Self {
        Self { is_known: known.names(&self.tag), ..self }
    }
}

/// A task's id and version determine what it looks like. Weak, because another version of this server may send the
/// same list in other bytes.
fn list_tag(tasks: &[Task], total: i64, next: Option<&str>) -> String {
    let mut digest = digest::Context::new(&digest::SHA256);
    for task in tasks {
        digest.update(task.id.as_uuid().as_bytes());
        digest.update(&task.version.to_be_bytes());
    }
    digest.update(&total.to_be_bytes());
    digest.update(next.unwrap_or_default().as_bytes());
    let digest = digest.finish();
    format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default()))
}

impl IntoResponse for TaskList {
    fn into_response(self) -> Response {
        let headers = [(TOTAL_COUNT, self.total.to_string()), (header::ETAG, self.tag)];
        let next = AppendHeaders(self.next.map(|next| (header::LINK, next)));
        if self.is_known {
            return (StatusCode::NOT_MODIFIED, headers, next).into_response();
        }
        (headers, next, Json(self.body)).into_response()
    }
}

/// A new task and its URL.
pub(super) struct Created {
    location: String,
    task: Versioned,
}

impl Created {
    pub(super) fn new(task: Task, collection: &Uri) -> Self {
        let location = format!("{}/{}", collection.path().trim_end_matches('/'), task.id);
        Self { location, task: task.into() }
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, [(header::LOCATION, self.location)], self.task).into_response()
    }
}

/// A task with its version as its entity tag; without a body if the client has it already.
pub(super) struct Versioned {
    version: i64,
    task: Option<TaskBody>,
}

impl Versioned {
    pub(super) fn new(task: Task, known: &IfNoneMatch) -> Self {
        let is_known = known.names(&entity_tag(task.version));
        Self { version: task.version, task: (!is_known).then(|| task.into()) }
    }
}

impl From<Task> for Versioned {
    fn from(task: Task) -> Self {
        Self { version: task.version, task: Some(task.into()) }
    }
}

impl IntoResponse for Versioned {
    fn into_response(self) -> Response {
        let tag = [(header::ETAG, entity_tag(self.version))];
        match self.task {
            Some(task) => (tag, Json(task)).into_response(),
            None => (StatusCode::NOT_MODIFIED, tag).into_response(),
        }
    }
}

fn entity_tag(version: i64) -> String {
    format!("\"{version}\"")
}
