//! The columns of `tasks`, as they are read, inserted and updated: a new column is added here, and nowhere else in `store`.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use diesel::{
    dsl::SqlTypeOf,
    prelude::*,
    sql_types::{self, Array, Bool, Date, Interval, Nullable, SmallInt, Text, Time, Timestamptz},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{owned::HasOwner, target::TaskTarget};
use crate::{
    store::sql::{
        schema::tasks,
        statement::{Sql, SqlRow, Write, WriteStatement},
    },
    task::{
        DeletedTask, Description, Due, DueChange, NewTask, Priority, Tags, Task, TaskId, TaskPatch, TimeZone, Title,
    },
};

/// A row, without what is only searched. It is also stored as the outcome of a write under an idempotency key: a column that
/// is added needs `#[serde(default)]`, for outcomes that were stored before.
#[derive(Deserialize, Queryable)]
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

/// Leaves tombstones of tasks that are then deleted, for `concat!`. Two statements, because Citus would send every node what one
/// deletes and inserts. The user's lock keeps others from changing anything in between.
macro_rules! insert_tombstones {
    ($which:literal) => {
        concat!(
            "INSERT INTO deleted_tasks (user_id, id, version, position, deleted_at)
             SELECT user_id, id, version + 1, tandem_position(), tandem_time() FROM tasks
             WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
            $which
        )
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

/// Adds tasks. Their ids are made here, so they are not part of what was asked for.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Insert(Vec<NewRow>);

#[derive(Serialize)]
struct NewRow {
    #[serde(skip)]
    id: Uuid,
    title: String,
    description: Option<String>,
    completed: bool,
    #[serde(skip_serializing_if = "is_default")]
    priority: i16,
    #[serde(skip_serializing_if = "is_default")]
    due: DueColumns,
    #[serde(skip_serializing_if = "is_default")]
    tags: TagColumns,
}

/// When a task is due, if ever.
#[derive(Clone, Default, PartialEq, Serialize)]
struct DueColumns {
    date: Option<NaiveDate>,
    time: Option<NaiveTime>,
    zone: Option<String>,
    /// Derived from the others. Another release may know another offset.
    #[serde(skip)]
    at: Option<DateTime<Utc>>,
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
struct TagColumns {
    names: Vec<String>,
    #[serde(skip)]
    keys: Option<Vec<String>>,
}

impl From<Tags> for TagColumns {
    fn from(tags: Tags) -> Self {
        let (names, keys) = tags.into_parts();
        Self { names, keys: Some(keys).filter(|keys| !keys.is_empty()) }
    }
}

/// Whether a field has what it has when it is omitted. Then it is left out of the fingerprint, like a field that a request to
/// an earlier release couldn't have.
fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

/// Added to the time of a statement, it gives when a new task was completed: null if it wasn't. Citus refuses the time in a CASE.
fn since_completion(completed: bool) -> Option<TimeDelta> {
    completed.then(TimeDelta::zero)
}

impl FromIterator<NewTask> for Insert {
    fn from_iter<I: IntoIterator<Item = NewTask>>(new: I) -> Self {
        let row = |NewTask { title, description, completed, priority, due, tags }| NewRow {
            id: TaskId::generate().as_uuid(),
            title: title.into_string(),
            description: description.map(Description::into_string),
            completed,
            priority: priority.level(),
            due: due.into(),
            tags: tags.into(),
        };
        Self(new.into_iter().map(row).collect())
    }
}

impl Insert {
    /// How many columns have a value of their own in each row.
    const COLUMNS: usize = 12;
    const READ: &str = concat!(
        "SELECT ",
        task_columns!(),
        " FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)"
    );

    /// As any other role, the first id is null, which the table refuses. The position is the column's default.
    fn values(row: usize) -> String {
        let first = 2 + row * Self::COLUMNS;
        let id = if row == 0 { "CASE WHEN current_user = 'tandem_api' THEN $2 END" } else { &format!("${first}") };
        let last = first + Self::COLUMNS - 1;
        let others = (first + 1..last).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        format!("($1, statement_timestamp(), statement_timestamp(), {id}, {others}, statement_timestamp() + ${last})")
    }

    /// The rows are listed in VALUES: Citus would commit an INSERT of a SELECT in two phases.
    fn insert<'a, Row>(&'a self, owner: &'a str, returning: &str) -> Sql<'a, Row> {
        let values: Vec<_> = (0..self.0.len()).map(Self::values).collect();
        let text = format!("{} VALUES {}{returning}", Self::SQL, values.join(", "));
        let mut insert = Sql::returning(text).bind::<Text, _>(owner);
        for NewRow { id, title, description, completed, priority, due, tags } in &self.0 {
            insert = insert
                .bind::<sql_types::Uuid, _>(id)
                .bind::<Text, _>(title)
                .bind::<Nullable<Text>, _>(description)
                .bind::<Bool, _>(completed)
                .bind::<SmallInt, _>(priority)
                .bind::<Nullable<Date>, _>(due.date)
                .bind::<Nullable<Time>, _>(due.time)
                .bind::<Nullable<Text>, _>(&due.zone)
                .bind::<Nullable<Timestamptz>, _>(due.at)
                .bind::<Array<Text>, _>(&tags.names)
                .bind::<Nullable<Array<Text>>, _>(&tags.keys)
                .bind::<Nullable<Interval>, _>(since_completion(*completed));
        }
        insert
    }
}

impl Write for Insert {
    const NAME: &'static str = "insert";
    type Row = TaskRow;
    const SQL: &'static str =
        "INSERT INTO tasks (user_id, created_at, updated_at, id, title, description, completed, priority, due_date,
                            due_time, due_zone, due_at, tags, tag_keys, completed_at)";

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        self.insert(owner, concat!(" RETURNING ", task_columns!()))
    }

    /// Citus can't insert and store an outcome in one statement.
    fn under_key<'a>(&'a self, owner: &'a str) -> (Option<Sql<'a>>, impl WriteStatement<'a, TaskRow>) {
        let ids: Vec<_> = self.0.iter().map(|row| row.id).collect();
        let read = Sql::returning(Self::READ).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(ids);
        (Some(self.insert(owner, "")), read)
    }
}

/// Changes what is given of a task.
#[derive(Serialize)]
pub(super) struct Update {
    target: TaskTarget,
    columns: ChangedColumns,
    /// The version of the task that the due date was computed from, if it depends on the task's.
    #[serde(skip)]
    read: Option<i64>,
}

/// The columns an update sets. `None` keeps what is there, and is left out of the fingerprint.
#[derive(Serialize)]
struct ChangedColumns {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<ChangedDue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<TagColumns>,
}

/// What was asked for, which is part of the fingerprint.
#[derive(Serialize)]
enum ChangedDue {
    To(DueColumns),
    Zone(Option<String>, #[serde(skip)] DueColumns),
}

impl ChangedDue {
    fn columns(&self) -> &DueColumns {
        match self {
            Self::To(columns) | Self::Zone(_, columns) => columns,
        }
    }
}

impl Update {
    pub(super) fn new(target: TaskTarget, patch: TaskPatch) -> Self {
        Self::of_task(target, patch, None)
    }

    /// An update of a task that was read before, whose due date moves to another zone.
    pub(super) fn of_task(target: TaskTarget, patch: TaskPatch, moved: Option<(i64, Due)>) -> Self {
        let TaskPatch { title, description, completed, priority, due, tags } = patch;
        let (read, moved) = moved.unzip();
        let due = due.map(|change| match change {
            DueChange::Set(due) => ChangedDue::To(due.into()),
            DueChange::Zone(zone) => ChangedDue::Zone(zone.as_ref().map(zone_name), moved.into()),
        });
        let columns = ChangedColumns {
            title: title.map(Title::into_string),
            description: description.map(|text| text.map(Description::into_string)),
            completed,
            priority: priority.map(Priority::level),
            due,
            tags: tags.map(Into::into),
        };
        Self { target, columns, read }
    }
}

fn zone_name(zone: &TimeZone) -> String {
    zone.name().to_owned()
}

impl Write for Update {
    const NAME: &'static str = "update";
    type Row = TaskRow;
    const SQL: &'static str = concat!(
        "UPDATE tasks
         SET title = coalesce($4, title),
             description = CASE WHEN $5 THEN $6 ELSE description END,
             completed = coalesce($7, completed),
             completed_at = CASE WHEN NOT coalesce($7, completed) THEN NULL WHEN completed THEN completed_at
                            ELSE (SELECT statement_timestamp()) END,
             priority = coalesce($8, priority),
             due_date = CASE WHEN $9 THEN $10 ELSE due_date END,
             due_time = CASE WHEN $9 THEN $11 ELSE due_time END,
             due_zone = CASE WHEN $9 THEN $12 ELSE due_zone END,
             due_at = CASE WHEN $9 THEN $13 ELSE due_at END,
             tags = coalesce($14, tags),
             tag_keys = CASE WHEN $14 IS NULL THEN tag_keys ELSE $15 END,
             version = version + 1, position = tandem_position(), updated_at = statement_timestamp()
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = $2 AND coalesce(version = $3, true)
         RETURNING ",
        task_columns!()
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        let ChangedColumns { title, description, completed, priority, due, tags } = &self.columns;
        let DueColumns { date, time, zone, at } = due.as_ref().map(ChangedDue::columns).cloned().unwrap_or_default();
        let target = TaskTarget { expected: self.target.expected.or(self.read), ..self.target };
        target
            .statement(owner, Self::SQL)
            .bind::<Nullable<Text>, _>(title)
            .bind::<Bool, _>(description.is_some())
            .bind::<Nullable<Text>, _>(description.as_ref().and_then(Option::as_ref))
            .bind::<Nullable<Bool>, _>(completed)
            .bind::<Nullable<SmallInt>, _>(priority)
            .bind::<Bool, _>(due.is_some())
            .bind::<Nullable<Date>, _>(date)
            .bind::<Nullable<Time>, _>(time)
            .bind::<Nullable<Text>, _>(zone)
            .bind::<Nullable<Timestamptz>, _>(at)
            .bind::<Nullable<Array<Text>>, _>(tags.as_ref().map(|tags| &tags.names))
            .bind::<Nullable<Array<Text>>, _>(tags.as_ref().and_then(|tags| tags.keys.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use diesel::{debug_query, pg::Pg};

    use super::*;

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

    /// A retry may reach a release that knows more fields than the one that did the write.
    #[test]
    fn requests_without_the_newer_fields_keep_their_fingerprints() {
        let new = |priority| NewTask {
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
