//! What replicas push, and what they are answered.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{Array, ArrayBuilder, Ref},
};
use uuid::Uuid;

use super::{changes::ChangeBody, task::timestamp};
use crate::{
    error::{Code, Error},
    rest::{
        error::ValidationError,
        request::fields::{Context, Fields, FromFields, FromItem},
        settings::RestSettings,
    },
    task::{
        Change, Description, Due, FieldError, MAX_BULK, Priority, PushRefusal, Pushed, Pushes, Refusal, Side, Tags,
        TaskState, TimeZone, Title, Violation,
    },
};

const CHANGES: &str = "changes";

/// Changes that a client made to its replica of the user's tasks.
#[derive(ToSchema)]
#[schema(as = Push, example = json!({ "changes": [{
    "task": { "id": "01a1fe19-a73c-72af-a397-b7572654bf7a", "title": "Buy oat milk", "completed": true },
    "base": { "id": "01a1fe19-a73c-72af-a397-b7572654bf7a", "title": "Buy oat milk" }
}] }))]
pub(crate) struct PushBody {
    /// The changes, in order.
    #[schema(schema_with = change_list)]
    pub(crate) changes: Pushes,
}

fn change_list() -> Array {
    let changes = Ref::from_schema_name("PushedChange");
    ArrayBuilder::new().description(Some("The changes, in order.")).items(changes).max_items(Some(MAX_BULK)).build()
}

impl FromFields for PushBody {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        if !fields.has(CHANGES) {
            return fields.required::<Vec<Value>>(CHANGES).and(None);
        }
        let mut changes = Pushes::default();
        for (index, item) in fields.list::<ChangeItem>(CHANGES)?.into_iter().enumerate() {
            let known = changes.refused.len();
            changes.add(item.id, item.task, item.base);
            for refusal in changes.refused.iter_mut().skip(known) {
                if let Refusal::Invalid(fields) = &mut refusal.reason {
                    *fields = fields.drain(..).map(|error| error.at(CHANGES, index)).collect();
                }
            }
        }
        Some(Self { changes })
    }
}

/// A change to a task.
#[derive(ToSchema)]
#[schema(as = PushedChange)]
#[expect(dead_code, reason = "documents what ChangeItem reads")]
pub(crate) struct ChangeParams {
    /// The task as the client has it now.
    task: StateParams,
    /// The task as the server had it, as far as the client knew when it made the change; null for a new task.
    base: Option<StateParams>,
}

/// All of a task that clients set. What is omitted has its default: it is not what the task has.
#[derive(ToSchema)]
#[schema(as = TaskState)]
#[expect(dead_code, reason = "documents what ChangeItem reads")]
pub(crate) struct StateParams {
    /// For a new task of version 4 or 7.
    id: Uuid,
    /// What is to be done. Not required of a task that is deleted.
    #[schema(value_type = Option<Title>)]
    title: Title,
    /// Details.
    description: Option<Description>,
    /// Whether the task is done; false by default.
    completed: Option<bool>,
    /// How urgent the task is. Words may be in any case; null, `none` and an empty text mean that it has no priority.
    priority: Option<Priority>,
    /// When the task is due. An empty text is the same as null.
    due_date: Option<Due>,
    /// The time zone of a `due_date` with a time. An offset there must be the zone's.
    due_timezone: Option<TimeZone>,
    /// The tags; null is the same as none.
    tags: Option<Tags>,
    /// Whether the task is deleted. Then only its `id` is looked at.
    deleted: Option<bool>,
}

/// A change, whose sides may be invalid.
struct ChangeItem {
    id: String,
    task: Side,
    base: Option<(String, Side)>,
}

impl FromItem for ChangeItem {
    /// Fails only if nothing says which task it is, or if unknown fields are refused.
    fn from_item(item: Value, context: &mut Context) -> Result<Self, Vec<FieldError>> {
        let Value::Object(mut sides) = item else {
            return Err(vec![FieldError::new("", Violation::NotAnObject).with_input(item)]);
        };
        let (id, task) = match sides.remove("task") {
            None => return Err(vec![FieldError::new("task", Violation::Missing).with_input(sides)]),
            Some(task) => side("task", task, context)?,
        };
        let base = match sides.remove("base") {
            None | Some(Value::Null) => None,
            Some(base) => Some(side("base", base, context)?),
        };
        context.settle(sides)?;
        Ok(Self { id, task, base })
    }
}

/// The id of a side, and the rest.
fn side(name: &'static str, value: Value, context: &mut Context) -> Result<(String, Side), Vec<FieldError>> {
    let Value::Object(mut object) = value else {
        return Err(vec![FieldError::new(name, Violation::NotAnObject).with_input(value)]);
    };
    let id = match object.remove("id") {
        Some(Value::String(id)) => id,
        Some(other) => return Err(vec![FieldError::new("id", Violation::NotAString).with_input(other).of(name)]),
        None => return Err(vec![FieldError::new("id", Violation::Missing).with_input(object).of(name)]),
    };
    let side = match SideFields::from_object(object, context) {
        Ok(SideFields(None)) => Side::Deleted,
        Ok(SideFields(Some(state))) => Side::State(Ok(state)),
        Err(errors) => Side::State(Err(errors)),
    };
    Ok((id, side))
}

/// The fields of a side; `None` if it is deleted.
struct SideFields(Option<TaskState>);

impl FromFields for SideFields {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        const STATE: [&str; 7] = ["title", "description", "completed", "priority", "due_date", "due_timezone", "tags"];
        if fields.optional("deleted") == Some(true) {
            fields.skip(&STATE);
            return Some(Self(None));
        }
        let title = fields.required("title");
        let (description, completed) = (fields.optional("description"), fields.completed().unwrap_or_default());
        let (priority, due) = (fields.priority().unwrap_or_default(), fields.new_due());
        let tags = fields.tags().unwrap_or_default();
        Some(Self(Some(TaskState { title: title?, description, completed, priority, due, tags })))
    }
}

/// What became of a push. All changes were applied but these.
#[derive(Serialize, ToSchema)]
#[schema(as = Pushed)]
pub(crate) struct PushedBody {
    /// The tasks whose changes conflict with others or were refused, once each, as they are now: replace what the client has by them,
    /// after merging. A task that isn't there, and never was or is long gone, is `deleted` with version 0.
    conflicts: Vec<ConflictBody>,
    /// The changes that were refused.
    refused: Vec<RefusalBody>,
}

/// What is there, or that nothing is.
#[derive(Serialize, ToSchema)]
#[schema(as = Conflict)]
#[serde(untagged)]
enum ConflictBody {
    State(ChangeBody),
    Absent {
        /// Nothing is there.
        deleted: Absent,
    },
}

/// A task that isn't there, and never was or is long gone.
#[derive(Serialize, ToSchema)]
#[schema(as = AbsentTask)]
struct Absent {
    /// The id, as it was sent. It may be none.
    id: String,
    /// Always 0.
    #[schema(minimum = 0, maximum = 0, example = 0)]
    version: i64,
    /// Now.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-11-21T12:34:16.509702Z")]
    deleted_at: DateTime<Utc>,
}

/// A change that is refused: repeating it as it is would be of no use, unless there is room again.
#[derive(Serialize, ToSchema)]
#[schema(as = PushRefusal)]
struct RefusalBody {
    /// The id of the task; as it was sent, if it is none.
    id: String,
    /// Why: `BAD_USER_INPUT` or `QUOTA_EXCEEDED`.
    #[schema(example = "BAD_USER_INPUT")]
    code: &'static str,
    detail: RefusalDetail,
}

/// A message, or for what is invalid one entry for each violation.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum RefusalDetail {
    Message(String),
    Errors(Vec<ValidationError>),
}

impl PushedBody {
    pub(crate) fn new(pushed: Pushed, rest: RestSettings) -> Self {
        let absent = |id: &str| Absent { id: id.to_owned(), version: 0, deleted_at: Utc::now() };
        let no_ids: Vec<_> = pushed.no_ids().map(|id| ConflictBody::Absent { deleted: absent(id) }).collect();
        let Pushed { conflicts, refused } = pushed;
        let state = |change: Change| ConflictBody::State(ChangeBody::new(change, rest));
        Self {
            conflicts: conflicts.into_iter().map(state).chain(no_ids).collect(),
            refused: refused.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PushRefusal> for RefusalBody {
    fn from(PushRefusal { id, reason }: PushRefusal) -> Self {
        let (code, detail) = match reason {
            Refusal::Invalid(fields) => {
                let detail = fields.iter().map(|error| ValidationError::new("body", error)).collect();
                (Code::BadUserInput, RefusalDetail::Errors(detail))
            }
            Refusal::BeyondQuota(max) => {
                let error = Error::quota_exceeded(max);
                (error.code(), RefusalDetail::Message(error.message().to_owned()))
            }
        };
        Self { id, code: code.as_str(), detail }
    }
}
