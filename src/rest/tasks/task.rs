//! A task as REST sends it, and the bodies that create and update one. In this API, a new field is added only here: each
//! conversion names every field.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    rest::request::fields::{Fields, FromFields},
    task::{Description, NewTask, Task, TaskPatch, Title, rfc3339},
};

/// A task.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskBody {
    /// Unique among the user's tasks.
    #[schema(example = "01a1fe19-a73c-72af-a397-b7572654bf7a")]
    id: Uuid,
    /// The user who owns the task.
    #[schema(example = "demo")]
    user_id: String,
    /// What is to be done.
    #[schema(value_type = Title)]
    title: String,
    /// Details.
    #[schema(value_type = Option<Description>, required)]
    description: Option<String>,
    /// Whether the task is done.
    completed: bool,
    /// Starts at 1 and is incremented by each change. Also the task's entity tag.
    #[schema(minimum = 1, example = 1)]
    version: i64,
    /// When the task was created.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-11-21T12:34:16.509702Z")]
    created_at: DateTime<Utc>,
    /// When the task was last changed.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-11-21T12:34:16.509702Z")]
    updated_at: DateTime<Utc>,
}

impl From<Task> for TaskBody {
    fn from(task: Task) -> Self {
        let Task { user_id, id, title, description, completed, version, created_at, updated_at, position: _ } = task;
        Self { id: id.as_uuid(), user_id, title, description, completed, version, created_at, updated_at }
    }
}

pub(crate) fn timestamp<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}

/// A new task. Unknown fields are ignored.
#[derive(ToSchema)]
#[schema(example = json!({ "title": "Buy milk", "description": "2 litres" }))]
pub(crate) struct CreateTask {
    /// What is to be done.
    title: Title,
    /// Details.
    description: Option<Description>,
    /// Whether the task is already done; false by default.
    completed: Option<bool>,
}

impl FromFields for CreateTask {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let title = fields.required("title");
        let (description, completed) = (fields.optional("description"), fields.optional("completed"));
        Some(Self { title: title?, description, completed })
    }
}

impl From<CreateTask> for NewTask {
    fn from(CreateTask { title, description, completed }: CreateTask) -> Self {
        Self { title, description, completed: completed.unwrap_or_default() }
    }
}

/// An update of a task. Omitted fields stay unchanged; at least one is required. Unknown fields are ignored.
#[derive(ToSchema)]
#[schema(example = json!({ "title": "Buy oat milk" }))]
pub(crate) struct UpdateTask {
    /// The new title. Null leaves it unchanged.
    title: Option<Title>,
    /// The new description. Null clears it.
    description: Option<Option<Description>>,
    /// Whether the task is done. Null leaves it unchanged.
    completed: Option<bool>,
}

impl FromFields for UpdateTask {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            title: fields.optional("title"),
            description: fields.clearable("description"),
            completed: fields.optional("completed"),
        })
    }
}

impl From<UpdateTask> for TaskPatch {
    fn from(UpdateTask { title, description, completed }: UpdateTask) -> Self {
        Self { title, description, completed }
    }
}

/// The state to set.
#[derive(ToSchema)]
#[schema(example = json!({ "completed": true }))]
pub(crate) struct Completion {
    /// Whether the task is done. If omitted or null, the state is toggled.
    pub(crate) completed: Option<bool>,
}

impl FromFields for Completion {
    const IS_OPTIONAL: bool = true;

    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { completed: fields.optional("completed") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{MAX_DESCRIPTION, MAX_LIMIT, MAX_TITLE, TaskId};

    /// The limit in docs/REST.md. Responses need no other one, since pages and tasks are bounded.
    const LARGEST_PAGE: usize = 6_000_000;

    #[test]
    fn the_largest_page_is_bounded() {
        let time = DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap();
        let largest = TaskBody::from(Task {
            user_id: "\"".repeat(255),
            id: TaskId::generate(),
            title: "\u{1f980}".repeat(MAX_TITLE),
            description: Some("\u{1f980}".repeat(MAX_DESCRIPTION)),
            completed: false,
            version: i64::MAX,
            created_at: time,
            updated_at: time,
            position: i64::MAX,
        });
        let length = serde_json::to_vec(&largest).unwrap().len() + ",".len();
        assert!(length * usize::try_from(MAX_LIMIT).unwrap() <= LARGEST_PAGE, "{length}");
    }
}
