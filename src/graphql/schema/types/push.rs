//! What replicas push, and what they are answered.

use async_graphql::{Enum, ID, InputObject, SimpleObject, parser::types::SelectionSet};
use chrono::{DateTime, Utc};

use super::{
    change::{DeletedTask, TaskChange},
    input::check_due,
    json::{Json, WriteJson, WriteObject, fragment_on, write_fields},
    task::TaskPriority,
};
use crate::{
    error::Error,
    graphql::schema::error::{FieldErrors, field_name},
    task::{self, Change, Description, FieldError, Pushed, Pushes, Refusal, Side, Title, Violation},
};

/// When a task is due, in the texts of `Date`, `LocalTime` and `TimeZone`, so that what is none refuses one change and not the
/// request.
#[derive(InputObject)]
pub(in crate::graphql) struct DueState {
    /// The day.
    date: String,
    /// The time by the wall clock; omitted if the whole day is meant.
    time: Option<String>,
    /// The zone of `time`; omitted if it is meant wherever the user is.
    time_zone: Option<String>,
}

/// All of a task that clients set. What is omitted has its default: it is not what the task has.
#[derive(InputObject)]
pub(in crate::graphql) struct TaskState {
    /// A UUID, for a new task of version 4 or 7.
    id: ID,
    /// 1 to 200 characters, not blank, no control characters. Required, unless the task is deleted.
    title: Option<String>,
    /// At most 1000 characters.
    description: Option<String>,
    /// Whether the task is completed; false by default.
    completed: Option<bool>,
    /// How urgent the task is; `NONE` by default.
    priority: Option<TaskPriority>,
    /// When the task is due.
    due: Option<DueState>,
    /// At most 20, each of 1 to 50 characters, not blank, no control characters. Of tags that differ only in case, the first is kept.
    tags: Option<Vec<String>>,
    /// Whether the task is deleted; false by default. Then only its id is looked at.
    deleted: Option<bool>,
}

impl TaskState {
    fn into_side(self) -> (String, Side) {
        let Self { id, title, description, completed, priority, due, tags, deleted } = self;
        if deleted == Some(true) {
            return (id.0, Side::Deleted);
        }
        let mut errors = FieldErrors::default();
        let title = errors.check("title", title.ok_or(Violation::Missing).and_then(Title::try_from));
        let description = description.and_then(|text| errors.check("description", Description::try_from(text)));
        let due = due.and_then(|due| {
            let (time, zone) = (due.time.as_deref().map(Ok), due.time_zone.as_deref().map(Ok));
            check_due(&mut errors, Ok(&due.date), time, zone)
        });
        let tags = tags.and_then(|tags| errors.tags(tags)).unwrap_or_default();
        let (completed, priority) = (completed.unwrap_or_default(), priority.map(Into::into).unwrap_or_default());
        let state = match title {
            Some(title) if errors.0.is_empty() => {
                Ok(task::TaskState { title, description, completed, priority, due, tags })
            }
            _ => Err(errors.0),
        };
        (id.0, Side::State(state))
    }
}

/// A change that a client made to its replica of a task.
#[derive(InputObject)]
pub(in crate::graphql) struct TaskPush {
    /// The task as the client has it now.
    task: TaskState,
    /// The task as the server had it, as far as the client knew when it made the change; omitted for a new task.
    base: Option<TaskState>,
}

/// Checks each push by itself.
pub(in crate::graphql::schema) fn pushes(changes: Vec<TaskPush>) -> Pushes {
    let mut pushes = Pushes::default();
    for TaskPush { task, base } in changes {
        let (id, task) = task.into_side();
        pushes.add(id, task, base.map(TaskState::into_side));
    }
    pushes
}

/// Why a change is refused.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub(in crate::graphql) enum ErrorCode {
    /// The task or its base is invalid; `fields` says where.
    BadUserInput,
    /// The user has as many tasks as they may have.
    QuotaExceeded,
}

/// An invalid field of a task.
#[derive(SimpleObject)]
pub(in crate::graphql) struct InvalidField {
    /// Its name, like `title`, `due.date`, `tags.2` or `base.title`.
    field: String,
    /// What is wrong with it.
    message: String,
}

impl From<&FieldError> for InvalidField {
    fn from(invalid: &FieldError) -> Self {
        Self { field: field_name(invalid).to_string(), message: invalid.violation.to_string() }
    }
}

/// A change that is refused: repeating it as it is would be of no use, unless there is room again.
#[derive(SimpleObject)]
pub(in crate::graphql) struct PushRefusal {
    /// The id of the task; as it was sent, if it is none.
    id: ID,
    /// Why.
    code: ErrorCode,
    /// The same in words.
    message: String,
    /// The invalid fields.
    fields: Vec<InvalidField>,
}

impl From<task::PushRefusal> for PushRefusal {
    fn from(task::PushRefusal { id, reason }: task::PushRefusal) -> Self {
        let (code, error) = match reason {
            Refusal::Invalid(fields) => (ErrorCode::BadUserInput, Error::from(fields)),
            Refusal::BeyondQuota(max) => (ErrorCode::QuotaExceeded, Error::quota_exceeded(max)),
        };
        Self {
            id: id.into(),
            code,
            message: error.message().to_owned(),
            fields: error.fields().iter().map(Into::into).collect(),
        }
    }
}

/// What became of a push. All changes were applied but these.
#[derive(SimpleObject)]
pub(in crate::graphql) struct PushedTasks {
    /// The tasks whose changes conflict with others or were refused, once each, as they are now: replace what the client has by them,
    /// after merging. A task that isn't there, and never was or is long gone, is a `DeletedTask` with version 0.
    conflicts: Json<Vec<Conflict>>,
    /// The changes that were refused.
    refused: Vec<PushRefusal>,
}

impl From<Pushed> for PushedTasks {
    fn from(pushed: Pushed) -> Self {
        let no_ids: Vec<_> = pushed.no_ids().map(|id| Conflict::NoId(id.to_owned(), Utc::now())).collect();
        let Pushed { conflicts, refused } = pushed;
        let conflicts = conflicts.into_iter().map(Conflict::State).chain(no_ids).collect();
        Self { conflicts: Json(conflicts), refused: refused.into_iter().map(Into::into).collect() }
    }
}

enum Conflict {
    State(Change),
    /// What can't be there, as its id is none.
    NoId(String, DateTime<Utc>),
}

impl WriteObject for Conflict {
    type Type = TaskChange;

    fn write_object(&self, set: &SelectionSet, json: &mut Vec<u8>) {
        let (id, now) = match self {
            Self::State(change) => return change.write_object(set, json),
            Self::NoId(id, now) => (id, now),
        };
        let Some(set) = fragment_on(set, "DeletedTask") else { return json.extend_from_slice(b"{}") };
        write_fields::<DeletedTask>(set, json, |field, json| match field.name.node.as_str() {
            "id" => id.write(json),
            "version" => 0_i64.write(json),
            _ => now.write(json),
        });
    }
}
