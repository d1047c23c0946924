//! What comes out: the object types, enums and scalars of the schema.

use async_graphql::{
    Context, Enum, ID, InputValueError, InputValueResult, Interface, Object, Scalar, ScalarType, SimpleObject, Value,
    parser::types::SelectionSet,
};
use chrono::{DateTime, Utc};

use super::{
    context::ContextExt,
    json::{AtOnce, Fragments, Plain, object},
};
use crate::{
    graphql::error::GraphqlError,
    resolvers,
    task::{self, SortColumn, TaskId, rfc3339},
};

/// A to-do item.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Task {
    /// Unique among the user's tasks: a UUID. It never changes.
    id: ID,
    /// 1 to 200 characters.
    title: String,
    /// At most 1000 characters; null when there is none.
    description: Option<String>,
    /// Whether the task is done.
    completed: bool,
    /// 1 when created, one more at each change: what `expectedVersion` is compared with.
    version: i64,
    /// When the task was created.
    created_at: Timestamp,
    /// When the task last changed.
    updated_at: Timestamp,
}

impl From<task::Task> for Task {
    fn from(task: task::Task) -> Self {
        Self {
            id: ID(task.id.to_string()),
            title: task.title,
            description: task.description,
            completed: task.completed,
            version: task.version,
            created_at: Timestamp(task.created_at),
            updated_at: Timestamp(task.updated_at),
        }
    }
}

impl Plain for Task {
    fn show(&self, set: &SelectionSet, fragments: &Fragments) -> Value {
        object("Task", set, fragments, &|field| match field.name.node.as_str() {
            "id" => Value::String(self.id.0.clone()),
            "title" => Value::String(self.title.clone()),
            "description" => self.description.clone().map_or(Value::Null, Value::String),
            "completed" => Value::Boolean(self.completed),
            "version" => Value::Number(self.version.into()),
            "createdAt" => self.created_at.to_value(),
            "updatedAt" => self.updated_at.to_value(),
            _ => Value::Null,
        })
    }
}

/// A task that is gone.
#[derive(SimpleObject)]
pub(in crate::graphql) struct DeletedTask {
    /// The id it had.
    id: ID,
}

impl From<TaskId> for DeletedTask {
    fn from(id: TaskId) -> Self {
        Self { id: ID(id.to_string()) }
    }
}

/// A list of tasks.
pub(in crate::graphql) fn all(tasks: Vec<task::Task>) -> AtOnce<Vec<Task>> {
    AtOnce(tasks.into_iter().map(Into::into).collect())
}

/// A change to all tasks it applies to.
#[derive(SimpleObject)]
pub(super) struct ChangedTasks {
    /// How many tasks were changed.
    count: u64,
}

impl From<u64> for ChangedTasks {
    fn from(count: u64) -> Self {
        Self { count }
    }
}

/// Tasks that were completed together.
#[derive(SimpleObject)]
pub(in crate::graphql) struct CompletedTasks {
    /// How many tasks there are.
    count: usize,
    /// Those tasks, as they are now, oldest first.
    tasks: AtOnce<Vec<Task>>,
}

impl From<Vec<task::Task>> for CompletedTasks {
    fn from(tasks: Vec<task::Task>) -> Self {
        Self { count: tasks.len(), tasks: all(tasks) }
    }
}

/// Tasks that were deleted together.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ClearedTasks {
    /// How many tasks there were.
    count: usize,
    /// The ids they had, oldest first.
    ids: Vec<ID>,
}

impl From<Vec<task::Task>> for ClearedTasks {
    fn from(tasks: Vec<task::Task>) -> Self {
        Self { count: tasks.len(), ids: tasks.into_iter().map(|task| ID(task.id.to_string())).collect() }
    }
}

/// Anything that can be asked for again by its id, which is unique among all of the user's things and never changes.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "Unique among all of the user's things; it never changes."))]
pub(in crate::graphql) enum Node {
    Task(Task),
}

/// The user the token speaks for.
pub(in crate::graphql) struct Viewer;

#[expect(clippy::unused_async, reason = "fields are asynchronous to async-graphql")]
#[Object]
impl Viewer {
    /// The user id: the token's `sub`.
    async fn id(&self, ctx: &Context<'_>) -> Result<ID, GraphqlError> {
        Ok(ctx.tasks()?.user().id().into())
    }

    /// How many tasks the user has.
    async fn task_counts(&self, ctx: &Context<'_>) -> Result<TaskCounts, GraphqlError> {
        Ok(resolvers::counts(ctx.tasks()?, None).await?.into())
    }
}

/// How many tasks there are, by status.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TaskCounts {
    /// Done or not.
    all: i64,
    /// Not yet done.
    pending: i64,
    /// Done.
    completed: i64,
}

impl From<task::TaskCounts> for TaskCounts {
    fn from(counts: task::TaskCounts) -> Self {
        Self { all: counts.all(), pending: counts.pending, completed: counts.completed }
    }
}

/// Which tasks, by whether they are done.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "task::TaskStatus")]
pub(in crate::graphql) enum TaskStatus {
    /// Done or not.
    All,
    /// Not yet done.
    Pending,
    /// Done.
    Completed,
}

/// The order of a list. Ties are broken by id, in the same direction.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub(in crate::graphql) enum TaskSort {
    /// Oldest first.
    CreatedAsc,
    /// Newest first.
    CreatedDesc,
    /// Longest unchanged first.
    UpdatedAsc,
    /// Last changed first.
    UpdatedDesc,
    /// By title.
    TitleAsc,
    /// By title, backwards.
    TitleDesc,
}

impl From<TaskSort> for task::TaskSort {
    fn from(sort: TaskSort) -> Self {
        match sort {
            TaskSort::CreatedAsc => Self::ascending(SortColumn::Created),
            TaskSort::CreatedDesc => Self::descending(SortColumn::Created),
            TaskSort::UpdatedAsc => Self::ascending(SortColumn::Updated),
            TaskSort::UpdatedDesc => Self::descending(SortColumn::Updated),
            TaskSort::TitleAsc => Self::ascending(SortColumn::Title),
            TaskSort::TitleDesc => Self::descending(SortColumn::Title),
        }
    }
}

/// A point in time.
pub(in crate::graphql) struct Timestamp(DateTime<Utc>);

/// A point in time: RFC 3339 in UTC with microseconds, like `2026-01-31T09:30:00.000000Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(DateTime::parse_from_rfc3339(text)?.to_utc())),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(rfc3339(self.0))
    }
}
