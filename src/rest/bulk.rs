//! Changes to many tasks in one body: new tasks, or the ids of those that are there.

use serde_json::Value;

use super::body::{Fields, FromFields, read_fields};
use crate::{
    error::Error,
    resolvers,
    store::UserTasks,
    task::{FieldError, NewTask, Task, TaskId, Violation},
};

/// One of the changes that can be made to many tasks.
pub(super) enum Bulk {
    Create(Vec<NewTask>),
    Complete(Vec<TaskId>),
    Delete(Vec<TaskId>),
}

impl Bulk {
    /// The tasks it was done to: as they are now, or as they were.
    pub(super) async fn carry_out(self, tasks: &UserTasks) -> Result<Vec<Task>, Error> {
        match self {
            Self::Create(new) => resolvers::create_many(tasks, new).await,
            Self::Complete(ids) => resolvers::complete_many(tasks, ids).await,
            Self::Delete(ids) => resolvers::delete_many(tasks, ids).await,
        }
    }
}

impl FromFields for Bulk {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        match ["create", "complete", "delete"].map(|name| fields.has(name)) {
            [true, false, false] => fields.list("create", new_task).map(Self::Create),
            [false, true, false] => fields.list("complete", task_id).map(Self::Complete),
            [false, false, true] => fields.list("delete", task_id).map(Self::Delete),
            _ => {
                fields.refuse(Violation::Combination("give one of `create`, `complete` and `delete`"));
                None
            }
        }
    }
}

fn new_task(item: Value) -> Result<NewTask, Vec<FieldError>> {
    match item {
        Value::Object(map) => read_fields(map),
        other => Err(vec![FieldError::new("", Violation::NotAnObject).given(other)]),
    }
}

fn task_id(item: Value) -> Result<TaskId, Vec<FieldError>> {
    let parsed = item.as_str().ok_or(Violation::NotAString).and_then(str::parse);
    parsed.map_err(|violation| vec![FieldError::new("", violation).given(item)])
}
