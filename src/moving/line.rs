//! A task as a line of an export. The names are those of REST, and what [`super::import()`] recognizes.

use serde::Serialize;
use uuid::Uuid;

use crate::task::{Due, Priority, Task, TimeZone, TrashedTask, rfc3339};

#[derive(Serialize)]
pub(super) struct Line<'a> {
    id: Uuid,
    user_id: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    completed: bool,
    priority: Option<&'static str>,
    due_date: Option<String>,
    /// Null in UTC, and of a time that is meant wherever the user is.
    due_timezone: Option<&'a str>,
    tags: &'a [String],
    version: i64,
    created_at: String,
    updated_at: String,
    completed_at: Option<String>,
    /// Null of a task that isn't in the trash.
    deleted_at: Option<String>,
}

impl<'a> From<&'a TrashedTask> for Line<'a> {
    fn from(trashed: &'a TrashedTask) -> Self {
        Self { deleted_at: Some(rfc3339(trashed.deleted_at)), ..Self::from(&trashed.task) }
    }
}

impl<'a> From<&'a Task> for Line<'a> {
    fn from(task: &'a Task) -> Self {
        let Task { user_id, id, title, description, completed, version, created_at, updated_at, position: _, .. } =
            task;
        let Task { priority, due, tags, completed_at, .. } = task;
        let zone = due.as_ref().and_then(Due::zone).filter(|zone| !zone.is_utc());
        Self {
            id: id.as_uuid(),
            user_id,
            title,
            description: description.as_deref(),
            completed: *completed,
            priority: (*priority != Priority::None).then(|| priority.word()),
            due_date: due.as_ref().map(Due::to_rest),
            due_timezone: zone.map(TimeZone::name),
            tags,
            version: *version,
            created_at: rfc3339(*created_at),
            updated_at: rfc3339(*updated_at),
            completed_at: completed_at.map(rfc3339),
            deleted_at: None,
        }
    }
}
