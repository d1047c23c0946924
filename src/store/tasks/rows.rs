//! The columns of `tasks`, as they are read. A new column is added here, and where tasks are inserted, updated, pushed and imported;
//! tests in these files say which one is missing.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use diesel::{dsl::SqlTypeOf, prelude::*};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::owned::HasOwner;
use crate::{
    store::sql::{schema::tasks, statement::SqlRow},
    task::{DeletedTask, Due, Priority, Tags, Task},
};

/// A row, without what is only searched. It is also stored as the outcome of a write under an idempotency key: a column that
/// is added needs `#[serde(default)]`, for outcomes that were stored before.
#[derive(Deserialize, Queryable, Serialize)]
pub(super) struct TaskRow {
    user_id: String,
    id: Uuid,
    title: String,
    description: Option<String>,
    completed: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[serde(default)]
    position: i64,
    #[serde(default)]
    priority: i16,
    #[serde(default)]
    due_date: Option<NaiveDate>,
    #[serde(default)]
    due_time: Option<NaiveTime>,
    #[serde(default)]
    due_zone: Option<String>,
    #[serde(default)]
    due_at: Option<DateTime<Utc>>,
    #[serde(default)]
    tags: Vec<Option<String>>,
    #[serde(default)]
    completed_at: Option<DateTime<Utc>>,
}

/// What a task says, and a tombstone keeps and gives back, for `concat!`.
macro_rules! said_columns {
    () => {
        "title, description, completed, created_at, priority, due_date, due_time, due_zone, due_at, tags, completed_at, \
         tag_keys"
    };
}
pub(super) use said_columns;

/// Leaves tombstones of tasks that are then deleted, with or without what they said. Two statements, because Citus would send
/// every node what one deletes and inserts. The user's lock keeps others from changing anything in between.
macro_rules! insert_tombstones {
    ($keeps_text:expr, $which:literal) => {
        if $keeps_text {
            concat!(
                "INSERT INTO deleted_tasks (user_id, id, version, position, deleted_at, updated_at, ",
                crate::store::tasks::rows::said_columns!(),
                ") SELECT user_id, id, version + 1, tandem_position(), tandem_time(), updated_at, ",
                crate::store::tasks::rows::said_columns!(),
                " FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
                $which
            )
        } else {
            concat!(
                "INSERT INTO deleted_tasks (user_id, id, version, position, deleted_at)
                 SELECT user_id, id, version + 1, tandem_position(), tandem_time() FROM tasks
                 WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
                $which
            )
        }
    };
}
pub(super) use insert_tombstones;

/// The columns of [`TaskRow`], for `concat!`.
macro_rules! task_columns {
    () => {
        "user_id, id, title, description, completed, version, created_at, updated_at, position, priority, due_date, \
         due_time, due_zone, due_at, tags, completed_at"
    };
}
pub(super) use task_columns;

/// The same columns, for the query builder.
macro_rules! columns {
    ($($column:ident),*) => {
        pub(super) type TaskColumns = ($(tasks::$column,)*);
        pub(super) const COLUMNS: TaskColumns = ($(tasks::$column,)*);
    };
}

columns!(
    user_id,
    id,
    title,
    description,
    completed,
    version,
    created_at,
    updated_at,
    position,
    priority,
    due_date,
    due_time,
    due_zone,
    due_at,
    tags,
    completed_at
);

/// Their types.
pub(super) type TaskTypes = SqlTypeOf<TaskColumns>;

/// The same columns of `deleted_tasks`, for a UNION of both. They need the same types, or PostgreSQL would sort instead of
/// merging the two. A deleted task was last changed when it was deleted.
macro_rules! tombstone_columns {
    () => {
        "user_id, id, '-'::task_title, NULL::task_description, false, version, deleted_at, deleted_at, position, \
         0::smallint::task_priority, NULL::date, NULL::time, NULL::task_zone, NULL::timestamptz, '{}'::task_tags, \
         NULL::timestamptz"
    };
}
pub(super) use tombstone_columns;

impl SqlRow for TaskRow {
    type Columns = TaskTypes;
}

impl HasOwner for TaskRow {
    fn owner(&self) -> Option<&str> {
        Some(&self.user_id)
    }
}

impl From<Task> for TaskRow {
    fn from(task: Task) -> Self {
        let Task { user_id, id, title, description, completed, version, created_at, updated_at, position, .. } = task;
        let Task { priority, due, tags, completed_at, .. } = task;
        let DueColumns { date, time, zone, at } = due.into();
        Self {
            user_id,
            id: id.as_uuid(),
            title,
            description,
            completed,
            version,
            created_at,
            updated_at,
            position,
            priority: priority.level(),
            due_date: date,
            due_time: time,
            due_zone: zone,
            due_at: at,
            tags: tags.into_iter().map(Some).collect(),
            completed_at,
        }
    }
}

impl From<TaskRow> for Task {
    fn from(row: TaskRow) -> Self {
        Self {
            user_id: row.user_id,
            id: row.id.into(),
            title: row.title,
            description: row.description,
            completed: row.completed,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            position: row.position,
            priority: Priority::of_level(row.priority).unwrap_or_default(),
            due: match (row.due_date, row.due_at) {
                (Some(date), Some(at)) => Some(Due::stored(date, row.due_time, row.due_zone, at)),
                _ => None,
            },
            tags: row.tags.into_iter().flatten().collect(),
            // A release without this column may have reopened the task since.
            completed_at: row.completed_at.filter(|_| row.completed),
        }
    }
}

impl TaskRow {
    /// Reads a row of `tombstone_columns!`.
    pub(super) fn into_deleted(self) -> DeletedTask {
        DeletedTask { id: self.id.into(), version: self.version, position: self.position, deleted_at: self.updated_at }
    }
}

/// When a task is due, if ever.
#[derive(Clone, Default, PartialEq, Serialize)]
pub(super) struct DueColumns {
    pub(super) date: Option<NaiveDate>,
    pub(super) time: Option<NaiveTime>,
    pub(super) zone: Option<String>,
    /// Derived from the others. Another release may know another offset.
    #[serde(skip)]
    pub(super) at: Option<DateTime<Utc>>,
}

impl From<Option<Due>> for DueColumns {
    fn from(due: Option<Due>) -> Self {
        due.map_or_else(Self::default, |due| Self {
            date: Some(due.date()),
            time: due.time(),
            zone: due.zone().map(|zone| zone.name().to_owned()),
            at: Some(due.sort_key()),
        })
    }
}

/// Tags as they were sent, and in folded case.
#[derive(Clone, Default, PartialEq, Serialize)]
pub(super) struct TagColumns {
    pub(super) names: Vec<String>,
    #[serde(skip)]
    pub(super) keys: Option<Vec<String>>,
}

impl From<Tags> for TagColumns {
    fn from(tags: Tags) -> Self {
        let (names, keys) = tags.into_parts();
        Self { names, keys: Some(keys).filter(|keys| !keys.is_empty()) }
    }
}

/// Whether a field has what it has when it is omitted. Then it is left out of the fingerprint, like a field that a request to
/// an earlier release couldn't have.
pub(super) fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

#[cfg(test)]
mod tests {
    use diesel::{debug_query, pg::Pg};

    use super::*;
    use crate::{
        store::{
            sql::statement::Write,
            tasks::{insert::Insert, target::TaskTarget, update::Update},
        },
        task::{NewTask, TaskId, TaskPatch, Title},
    };

    /// Columns no client sets.
    const KEPT_BY_THE_SERVER: [&str; 5] = ["user_id", "version", "created_at", "updated_at", "position"];
    /// Columns that are only searched.
    const UNREAD: [&str; 1] = ["tag_keys"];

    /// The columns of the generated schema.
    fn schema() -> Vec<String> {
        let select = debug_query::<Pg, _>(&tasks::table.select(tasks::all_columns)).to_string();
        let columns = select.split(" FROM ").next().unwrap();
        columns.split('"').skip(3).step_by(4).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn every_column_is_read() {
        let mut columns = schema();
        columns.retain(|column| !UNREAD.contains(&column.as_str()));
        assert_eq!(task_columns!().split(", ").collect::<Vec<_>>(), columns);
        assert_eq!(tombstone_columns!().split(", ").count(), columns.len());
    }

    #[test]
    fn a_tombstone_keeps_every_column() {
        const ITS_OWN: [&str; 5] = ["user_id", "id", "version", "position", "updated_at"];
        let mut columns = schema();
        columns.retain(|column| !ITS_OWN.contains(&column.as_str()));
        assert_eq!(said_columns!().split(", ").collect::<Vec<_>>(), columns);
    }

    /// A retry may reach a release that knows more fields than the one that did the write.
    #[test]
    fn requests_without_the_newer_fields_keep_their_fingerprints() {
        let new = |priority| NewTask {
            id: None,
            title: Title::try_from("x".to_owned()).unwrap(),
            description: None,
            completed: false,
            priority,
            due: None,
            tags: Tags::default(),
        };
        let json = |value: serde_json::Value| value.to_string();
        let insert = serde_json::to_value(Insert::from_iter([new(Priority::None), new(Priority::Low)])).unwrap();
        let expected = r#"[{"completed":false,"description":null,"title":"x"},{"completed":false,"description":null,"priority":1,"title":"x"}]"#;
        assert_eq!(json(insert), expected);
        let patch = TaskPatch { completed: Some(true), ..TaskPatch::default() };
        let update = serde_json::to_value(Update::new(TaskTarget::new(TaskId::generate(), None), patch)).unwrap();
        assert_eq!(json(update["columns"].clone()), r#"{"completed":true}"#);
    }

    #[test]
    fn every_column_a_client_sets_is_inserted_and_updated() {
        for column in schema().iter().filter(|column| !KEPT_BY_THE_SERVER.contains(&column.as_str())) {
            let columns = Insert::SQL.split(['(', ')']).nth(1).unwrap();
            assert!(columns.split(',').map(str::trim).any(|inserted| inserted == column), "{column}");
            assert!(column == "id" || Update::SQL.contains(&format!(" {column} = ")), "{column}");
        }
    }
}
