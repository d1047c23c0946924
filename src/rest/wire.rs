//! What goes out.

use aws_lc_rs::digest;
use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    extract::{IfNoneMatch, Place},
    query::ListQuery,
};
use crate::task::{Cursor, Page, Task, rfc3339};

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// A task.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
pub(super) struct TaskBody {
    /// Unique within its owner.
    #[schema(value_type = Uuid, example = "01a1fe19-a73c-72af-a397-b7572654bf7a")]
    id: String,
    /// The owner.
    #[schema(example = "demo")]
    user_id: String,
    /// What is to be done.
    #[schema(min_length = 1, max_length = 200, example = "Buy milk")]
    title: String,
    /// More about it.
    #[schema(required = true, max_length = 1000, example = "2 litres")]
    description: Option<String>,
    /// Whether it is done.
    completed: bool,
    /// 1 when created, one more at each change: the entity tag.
    #[schema(minimum = 1, example = 1)]
    version: i64,
    /// When it was created.
    #[schema(format = DateTime, example = "2026-11-21T12:34:16.509702Z")]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime, example = "2026-11-21T12:34:16.509702Z")]
    updated_at: String,
}

impl From<Task> for TaskBody {
    fn from(task: Task) -> Self {
        Self {
            id: task.id.to_string(),
            user_id: task.user_id,
            title: task.title,
            description: task.description,
            completed: task.completed,
            version: task.version,
            created_at: rfc3339(task.created_at),
            updated_at: rfc3339(task.updated_at),
        }
    }
}

/// The tasks a change was made to.
#[derive(Serialize, ToSchema)]
pub(super) struct BulkAnswer {
    /// In the order given when they are new, else oldest first.
    tasks: Vec<TaskBody>,
}

impl From<Vec<Task>> for BulkAnswer {
    fn from(tasks: Vec<Task>) -> Self {
        Self { tasks: tasks.into_iter().map(Into::into).collect() }
    }
}

/// A list with its number of tasks, the way to the next page, and a tag that changes with any of it.
pub(super) struct TaskList {
    tasks: Vec<TaskBody>,
    total: i64,
    next: Option<String>,
    tag: String,
    has_envelope: bool,
    is_known: bool,
}

/// A list as some of the older backends had it.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskList)]
pub(super) struct TaskListBody {
    /// The tasks of this page.
    tasks: Vec<TaskBody>,
    /// How many tasks the whole list has.
    #[schema(minimum = 0)]
    total: i64,
}

impl TaskList {
    pub(super) fn new(page: Page, total: i64, place: &Place, query: &ListQuery) -> Self {
        let last = if page.has_next { page.tasks.last() } else { None };
        let next = last.map(|task| {
            let separator = if query.without_cursor.is_empty() { "" } else { "&" };
            let cursor = Cursor::of(task, query.page.sort);
            format!("<{}?{}{separator}cursor={cursor}>; rel=\"next\"", place.0.path(), query.without_cursor)
        });
        let tag = tag(&page.tasks, total, next.as_deref());
        let tasks = page.tasks.into_iter().map(Into::into).collect();
        Self { tasks, total, next, tag, has_envelope: query.has_envelope, is_known: false }
    }

    /// Leaves the tasks out if the client has them already.
    pub(super) fn unless_known(self, known: &IfNoneMatch) -> Self {
        Self { is_known: known.names(&self.tag), ..self }
    }

    fn body(self) -> Response {
        match (self.is_known, self.has_envelope) {
            (true, _) => StatusCode::NOT_MODIFIED.into_response(),
            (false, true) => Json(TaskListBody { tasks: self.tasks, total: self.total }).into_response(),
            (false, false) => Json(self.tasks).into_response(),
        }
    }
}

/// What a task looks like follows from its version, so its id and version stand for it. Weak: the same list may be
/// spelt in other bytes by another version of this server.
fn tag(tasks: &[Task], total: i64, next: Option<&str>) -> String {
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
        let headers = [(TOTAL_COUNT, self.total.to_string()), (header::ETAG, self.tag.clone())];
        let next = self.next.clone().map(|next| [(header::LINK, next)]);
        (headers, AppendHeaders(next.into_iter().flatten().collect::<Vec<_>>()), self.body()).into_response()
    }
}

/// A new task and where it is.
pub(super) struct Created {
    location: String,
    task: Versioned,
}

impl Created {
    pub(super) fn new(task: Task, place: &Place) -> Self {
        let location = format!("{}/{}", place.0.path().trim_end_matches('/'), task.id);
        Self { location, task: task.into() }
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, [(header::LOCATION, self.location)], self.task).into_response()
    }
}

fn entity_tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// One task with its version as its entity tag, or the news that the client has it already.
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
