//! Bulk changes.

use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{Array, ArrayBuilder, Ref, RefOr, Schema},
};

use super::task::{CreateTask, TaskBody};
use crate::{
    error::Error,
    resolvers,
    rest::{
        openapi::schemas,
        request::fields::{Fields, FromFields},
        settings::RestSettings,
    },
    store::UserTasks,
    task::{MAX_BULK, Task, TaskId, Violation},
};

/// A change to several tasks.
#[derive(ToSchema)]
#[schema(example = json!({ "create": [{ "title": "Buy milk" }, { "title": "Pay rent" }] }))]
#[serde(untagged)]
pub(crate) enum Bulk {
    /// Create tasks. No two may have the same id.
    Create {
        #[schema(schema_with = task_list)]
        create: Vec<CreateTask>,
    },
    /// Complete tasks. Duplicate ids count once.
    Complete {
        #[schema(schema_with = id_list)]
        complete: Vec<TaskId>,
    },
    /// Delete tasks. Duplicate ids count once.
    Delete {
        #[schema(schema_with = id_list)]
        delete: Vec<TaskId>,
    },
}

fn task_list() -> Array {
    list("The new tasks.", Ref::from_schema_name("CreateTask"))
}

fn id_list() -> Array {
    list("The ids of the tasks.", schemas::uuid())
}

fn list(description: &str, items: impl Into<RefOr<Schema>>) -> Array {
    ArrayBuilder::new().description(Some(description)).items(items.into()).max_items(Some(MAX_BULK)).build()
}

impl FromFields for Bulk {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        match ["create", "complete", "delete"].map(|name| fields.has(name)) {
            [true, false, false] => fields.list("create").map(|create| Self::Create { create }),
            [false, true, false] => fields.list("complete").map(|complete| Self::Complete { complete }),
            [false, false, true] => fields.list("delete").map(|delete| Self::Delete { delete }),
            _ => {
                fields.fail(Violation::Custom("give exactly one of `create`, `complete` and `delete`"));
                None
            }
        }
    }
}

impl Bulk {
    /// The number of tasks.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Create { create } => create.len(),
            Self::Complete { complete: ids } | Self::Delete { delete: ids } => ids.len(),
        }
    }

    /// Returns the affected tasks, as they are now; deleted tasks as they were.
    pub(crate) async fn apply(self, tasks: &UserTasks) -> Result<Vec<Task>, Error> {
        match self {
            Self::Create { create } => {
                resolvers::create_many(tasks, create.into_iter().map(Into::into).collect()).await
            }
            Self::Complete { complete } => resolvers::complete_many(tasks, complete).await,
            Self::Delete { delete } => Ok(resolvers::delete_many(tasks, delete).await?.tasks),
        }
    }
}

/// The affected tasks.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkResponse {
    /// Created tasks in the order of the request, others oldest first.
    tasks: Vec<TaskBody>,
}

impl BulkResponse {
    pub(crate) fn new(tasks: Vec<Task>, rest: RestSettings) -> Self {
        Self { tasks: tasks.into_iter().map(|task| TaskBody::new(task, rest)).collect() }
    }
}
