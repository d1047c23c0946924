//! Changes to many tasks in one request.

use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{Array, ArrayBuilder, Ref, RefOr, Schema},
};

use super::task::{CreateTask, TaskBody};
use crate::{
    error::Error,
    resolvers::{self, MAX_MANY},
    rest::{
        openapi::schemas,
        request::fields::{Fields, FromFields},
    },
    store::UserTasks,
    task::{Task, TaskId, Violation},
};

/// A change to up to 100 tasks.
#[derive(ToSchema)]
#[schema(example = json!({ "create": [{ "title": "Buy milk" }, { "title": "Pay rent" }] }))]
#[serde(untagged)]
pub(in crate::rest) enum Bulk {
    /// Create tasks.
    Create {
        #[schema(schema_with = new_tasks)]
        create: Vec<CreateTask>,
    },
    /// Complete tasks. Duplicate ids collapse.
    Complete {
        #[schema(schema_with = ids)]
        complete: Vec<TaskId>,
    },
    /// Delete tasks. Duplicate ids collapse.
    Delete {
        #[schema(schema_with = ids)]
        delete: Vec<TaskId>,
    },
}

fn new_tasks() -> Array {
    many(Ref::from_schema_name("CreateTask")).description(Some("The new tasks.")).build()
}

fn ids() -> Array {
    many(schemas::uuid()).description(Some("The ids of the tasks.")).build()
}

fn many(items: impl Into<RefOr<Schema>>) -> ArrayBuilder {
    ArrayBuilder::new().items(items.into()).max_items(Some(MAX_MANY))
}

impl FromFields for Bulk {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        match ["create", "complete", "delete"].map(|name| fields.has(name)) {
            [true, false, false] => fields.list("create").map(|create| Self::Create { create }),
            [false, true, false] => fields.list("complete").map(|complete| Self::Complete { complete }),
            [false, false, true] => fields.list("delete").map(|delete| Self::Delete { delete }),
            _ => {
                fields.reject(Violation::Combination("give one of `create`, `complete` and `delete`"));
                None
            }
        }
    }
}

impl Bulk {
    /// How many tasks it names.
    pub(in crate::rest) fn count(&self) -> usize {
        match self {
            Self::Create { create } => create.len(),
            Self::Complete { complete: ids } | Self::Delete { delete: ids } => ids.len(),
        }
    }

    /// The affected tasks: after the change, or before their deletion.
    pub(in crate::rest) async fn apply(self, tasks: &UserTasks) -> Result<Vec<Task>, Error> {
        match self {
            Self::Create { create } => {
                resolvers::create_many(tasks, create.into_iter().map(Into::into).collect()).await
            }
            Self::Complete { complete } => resolvers::complete_many(tasks, complete).await,
            Self::Delete { delete } => resolvers::delete_many(tasks, delete).await,
        }
    }
}

/// The affected tasks.
#[derive(Serialize, ToSchema)]
pub(in crate::rest) struct BulkAnswer {
    /// New tasks in the order given, others oldest first.
    tasks: Vec<TaskBody>,
}

impl From<Vec<Task>> for BulkAnswer {
    fn from(tasks: Vec<Task>) -> Self {
        Self { tasks: tasks.into_iter().map(Into::into).collect() }
    }
}
