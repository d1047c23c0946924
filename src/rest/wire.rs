//! What goes out.

use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    extract::{IfNoneMatch, Place},
    query::ListQuery,
};
use crate::task::{Cursor, Page, Task, rfc3339};

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// A task as REST clients see it.
#[derive(Serialize)]
struct TaskBody {
    id: String,
    user_id: String,
    title: String,
    description: Option<String>,
    completed: bool,
    version: i64,
    created_at: String,
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

/// A bare array, with the way to the next page and the number of tasks in its headers.
pub(super) struct TaskList {
    tasks: Vec<TaskBody>,
    total: i64,
    next: Option<String>,
}

impl TaskList {
    pub(super) fn new(page: Page, total: i64, place: &Place, query: &ListQuery) -> Self {
        let last = if page.has_next { page.tasks.last() } else { None };
        let next = last.map(|task| {
            let separator = if query.without_cursor.is_empty() { "" } else { "&" };
            let cursor = Cursor::of(task, query.page.sort);
            format!("<{}?{}{separator}cursor={cursor}>; rel=\"next\"", place.0.path(), query.without_cursor)
        });
        Self { tasks: page.tasks.into_iter().map(Into::into).collect(), total, next }
    }
}

impl IntoResponse for TaskList {
    fn into_response(self) -> Response {
        let headers = [(TOTAL_COUNT, self.total.to_string())];
        match self.next {
            Some(next) => (headers, [(header::LINK, next)], Json(self.tasks)).into_response(),
            None => (headers, Json(self.tasks)).into_response(),
        }
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

/// One task with its version as its entity tag, or the news that the client has it already.
pub(super) struct Versioned {
    version: i64,
    task: Option<TaskBody>,
}

impl Versioned {
    pub(super) fn new(task: Task, known: &IfNoneMatch) -> Self {
        Self { version: task.version, task: (!known.knows(task.version)).then(|| task.into()) }
    }
}

impl From<Task> for Versioned {
    fn from(task: Task) -> Self {
        Self { version: task.version, task: Some(task.into()) }
    }
}

impl IntoResponse for Versioned {
    fn into_response(self) -> Response {
        let tag = [(header::ETAG, format!("\"{}\"", self.version))];
        match self.task {
            Some(task) => (tag, Json(task)).into_response(),
            None => (StatusCode::NOT_MODIFIED, tag).into_response(),
        }
    }
}
