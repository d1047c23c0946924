//! A task as REST sends it, and the bodies that create and update one. In this API, a new field is added only here: each
//! conversion names every field.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use utoipa::{ToSchema, openapi::Object};
use uuid::Uuid;

use crate::{
    rest::{
        openapi::schemas::one_of,
        request::fields::{Fields, FromFields, NewId},
        settings::RestSettings,
    },
    task::{Description, Due, DueChange, NewTask, Priority, Tags, Task, TaskPatch, TimeZone, Title, rfc3339},
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
    /// The same in a word, if this server is set to send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = status_words, required = false)]
    status: Option<&'static str>,
    /// How urgent the task is; null if it has no priority.
    #[schema(value_type = Option<Priority>, required)]
    priority: Option<&'static str>,
    /// When the task is due, in the form in which it was sent: a day, a time without a zone, or a time with its offset; null if it
    /// has no due date.
    #[schema(value_type = Option<Due>, required)]
    due_date: Option<String>,
    /// The time zone of `due_date`; null if that is in UTC or has none.
    #[schema(value_type = Option<TimeZone>, required)]
    due_timezone: Option<String>,
    /// The tags.
    #[schema(value_type = Tags)]
    tags: Vec<String>,
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
    /// When the task was completed; null while it is pending, and if it was completed before servers recorded this.
    #[serde(serialize_with = "maybe_timestamp")]
    #[schema(value_type = Option<String>, format = DateTime, required, example = "2026-11-21T12:34:16.509702Z")]
    completed_at: Option<DateTime<Utc>>,
}

impl TaskBody {
    pub(crate) fn new(task: Task, rest: RestSettings) -> Self {
        let Task { user_id, id, title, description, completed, version, created_at, updated_at, position: _, .. } =
            task;
        let Task { priority, due, tags, completed_at, .. } = task;
        let status = if completed { "completed" } else { "pending" };
        let zone = due.as_ref().and_then(Due::zone).filter(|zone| !zone.is_utc());
        Self {
            id: id.as_uuid(),
            user_id,
            title,
            description,
            completed,
            status: rest.status.then_some(status),
            priority: (priority != Priority::None).then(|| priority.word()),
            due_timezone: zone.map(|zone| zone.name().to_owned()),
            due_date: due.as_ref().map(Due::to_rest),
            tags,
            version,
            created_at,
            updated_at,
            completed_at,
        }
    }
}

fn status_words() -> Object {
    one_of(["pending", "completed"].map(ToOwned::to_owned))
}

#[expect(clippy::ref_option, reason = "what serde calls")]
fn maybe_timestamp<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => timestamp(time, serializer),
        None => serializer.serialize_none(),
    }
}

pub(crate) fn timestamp<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}

/// A new task. Other fields are ignored and named in `Ignored-Fields`, unless this server is set to do something else.
#[derive(ToSchema)]
#[schema(example = json!({ "title": "Buy milk", "description": "2 litres", "priority": "high", "due_date": "2026-03-29",
                           "tags": ["home"] }))]
pub(crate) struct CreateTask {
    /// A UUID of version 4 or 7, if the client makes it; otherwise the server does.
    #[schema(value_type = Option<Uuid>, pattern = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[47][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$")]
    id: Option<NewId>,
    /// What is to be done.
    title: Title,
    /// Details.
    description: Option<Description>,
    /// Whether the task is already done; false by default.
    completed: Option<bool>,
    /// How urgent the task is. Words may be in any case; null, `none` and an empty text mean that it has no priority.
    #[schema(value_type = Option<Priority>)]
    priority: Priority,
    /// When the task is due. An empty text is the same as null.
    due_date: Option<Due>,
    /// The time zone of a `due_date` with a time. An offset there must be the zone's.
    #[schema(value_type = Option<TimeZone>)]
    due_timezone: (),
    /// The tags; null is the same as none.
    #[schema(value_type = Option<Tags>)]
    tags: Tags,
}

impl FromFields for CreateTask {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let id = fields.optional("id");
        let title = fields.required("title");
        let (description, completed) = (fields.optional("description"), fields.completed());
        let priority = fields.priority().unwrap_or(fields.default_priority());
        let (due_date, tags) = (fields.new_due(), fields.tags().unwrap_or_default());
        Some(Self { id, title: title?, description, completed, priority, due_date, due_timezone: (), tags })
    }
}

impl From<CreateTask> for NewTask {
    fn from(new: CreateTask) -> Self {
        let CreateTask { id, title, description, completed, priority, due_date, due_timezone: (), tags } = new;
        let id = id.map(|NewId(id)| id);
        Self { id, title, description, completed: completed.unwrap_or_default(), priority, due: due_date, tags }
    }
}

/// An update of a task. Omitted fields stay unchanged; at least one is required. Other fields are ignored and named in
/// `Ignored-Fields`, unless this server is set to do something else.
#[derive(ToSchema)]
#[schema(example = json!({ "title": "Buy oat milk", "due_date": "2026-03-29T18:00", "due_timezone": "Europe/Berlin" }))]
pub(crate) struct UpdateTask {
    /// The new title. Null leaves it unchanged.
    title: Option<Title>,
    /// The new description. Null clears it.
    description: Option<Option<Description>>,
    /// Whether the task is done. Null leaves it unchanged.
    completed: Option<bool>,
    /// The new priority. Null, `none` and an empty text clear it.
    priority: Option<Priority>,
    /// The new due date, which replaces the old one with its zone. Null and an empty text clear it.
    #[schema(value_type = Option<Due>)]
    due_date: Option<DueChange>,
    /// The time zone of `due_date`. Alone, it moves the time of the old due date into this zone; null into none.
    #[schema(value_type = Option<TimeZone>)]
    due_timezone: (),
    /// The new tags. Null removes all.
    #[schema(value_type = Option<Tags>)]
    tags: Option<Tags>,
}

impl FromFields for UpdateTask {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            title: fields.optional("title"),
            description: fields.clearable("description"),
            completed: fields.completed(),
            priority: fields.priority(),
            due_date: fields.due(),
            due_timezone: (),
            tags: fields.tags(),
        })
    }
}

impl From<UpdateTask> for TaskPatch {
    fn from(update: UpdateTask) -> Self {
        let UpdateTask { title, description, completed, priority, due_date, due_timezone: (), tags } = update;
        Self { title, description, completed, priority, due: due_date, tags }
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
        Some(Self { completed: fields.completed() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{MAX_DESCRIPTION, MAX_LIMIT, MAX_TAG, MAX_TAGS, MAX_TITLE, TaskId};

    /// The limit in docs/REST.md. Responses need no other one, since pages and tasks are bounded.
    const LARGEST_PAGE: usize = 10_000_000;

    #[test]
    fn the_largest_page_is_bounded() {
        let time = DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap();
        let due = Due::parse("9999-12-01T00:00", "America/Argentina/ComodRivadavia".parse().ok()).unwrap();
        let largest = Task {
            user_id: "\"".repeat(255),
            id: TaskId::generate(),
            title: "\u{1f980}".repeat(MAX_TITLE),
            description: Some("\u{1f980}".repeat(MAX_DESCRIPTION)),
            completed: false,
            version: i64::MAX,
            created_at: time,
            updated_at: time,
            position: i64::MAX,
            priority: Priority::Urgent,
            due: Some(due),
            tags: vec!["\u{1f980}".repeat(MAX_TAG); MAX_TAGS],
            completed_at: Some(time),
        };
        let largest = TaskBody::new(largest, RestSettings { status: true, ..RestSettings::default() });
        let length = serde_json::to_vec(&largest).unwrap().len() + ",".len();
        assert!(length * usize::try_from(MAX_LIMIT).unwrap() <= LARGEST_PAGE, "{length}");
    }
}
