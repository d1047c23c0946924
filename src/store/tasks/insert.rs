//! New tasks as rows.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{self, Array, Bool, Date, Interval, Nullable, SmallInt, Text, Time, Timestamptz};
use serde::Serialize;
use uuid::Uuid;

use super::rows::{DueColumns, TagColumns, TaskRow, is_default, task_columns};
use crate::{
    store::sql::statement::{Sql, Write, WriteStatement},
    task::{Description, NewTask, Tags, Task, TaskId},
};

/// Adds tasks.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Insert(Vec<NewRow>);

#[derive(Serialize)]
pub(super) struct NewRow {
    #[serde(skip)]
    pub(super) id: Uuid,
    /// The id that was asked for.
    #[serde(rename = "id", skip_serializing_if = "Option::is_none")]
    chosen: Option<Uuid>,
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

/// Added to the time of a statement, it gives when a new task was completed: null if it wasn't. Citus refuses the time in a CASE.
fn since_completion(completed: bool) -> Option<TimeDelta> {
    completed.then(TimeDelta::zero)
}

impl From<NewTask> for NewRow {
    fn from(NewTask { id, title, description, completed, priority, due, tags }: NewTask) -> Self {
        Self {
            id: id.unwrap_or_else(TaskId::generate).as_uuid(),
            chosen: id.map(TaskId::as_uuid),
            title: title.into_string(),
            description: description.map(Description::into_string),
            completed,
            priority: priority.level(),
            due: due.into(),
            tags: tags.into(),
        }
    }
}

impl From<Task> for NewRow {
    fn from(Task { id, title, description, completed, priority, due, tags, .. }: Task) -> Self {
        let (due, tags) = (due.into(), Tags::stored(tags).into());
        let id = id.as_uuid();
        Self { id, chosen: Some(id), title, description, completed, priority: priority.level(), due, tags }
    }
}

impl NewRow {
    /// Binds what a client sets of it, and its id.
    pub(super) fn bind<'a, Row>(&'a self, insert: Sql<'a, Row>) -> Sql<'a, Row> {
        let Self { id, chosen: _, title, description, completed, priority, due, tags } = self;
        insert
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
    }
}

impl<T: Into<NewRow>> FromIterator<T> for Insert {
    fn from_iter<I: IntoIterator<Item = T>>(new: I) -> Self {
        Self(new.into_iter().map(Into::into).collect())
    }
}

/// The time at which tasks are added.
const NOW: &str = "statement_timestamp()";

impl Insert {
    /// How many columns have a value of their own in each row.
    const COLUMNS: usize = 12;
    const READ: &str = concat!(
        "SELECT ",
        task_columns!(),
        " FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)"
    );

    /// As any other role, the first id is null, which the table refuses. The position is the column's default.
    fn values(row: usize, time: &str) -> String {
        let first = 2 + row * Self::COLUMNS;
        let id = if row == 0 { "CASE WHEN current_user = 'tandem_api' THEN $2 END" } else { &format!("${first}") };
        let last = first + Self::COLUMNS - 1;
        let others = (first + 1..last).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        format!("($1, {time}, {time}, {id}, {others}, {time} + ${last})")
    }

    /// Adds the tasks as of a time that was read before.
    pub(super) fn at<'a>(&'a self, owner: &'a str, time: DateTime<Utc>) -> Sql<'a> {
        let number = 2 + self.0.len() * Self::COLUMNS;
        self.insert(owner, &format!("${number}::timestamptz"), "").bind::<Timestamptz, _>(time)
    }

    /// The rows are listed in VALUES: Citus would commit an INSERT of a SELECT in two phases.
    fn insert<'a, Row>(&'a self, owner: &'a str, time: &str, returning: &str) -> Sql<'a, Row> {
        let values: Vec<_> = (0..self.0.len()).map(|row| Self::values(row, time)).collect();
        let text = format!("{} VALUES {}{returning}", Self::SQL, values.join(", "));
        let mut insert = Sql::returning(text).bind::<Text, _>(owner);
        for row in &self.0 {
            insert = row.bind(insert).bind::<Nullable<Interval>, _>(since_completion(row.completed));
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
        self.insert(owner, NOW, concat!(" RETURNING ", task_columns!()))
    }

    fn creations(&self) -> usize {
        self.0.len()
    }

    /// Citus can't insert and store an outcome in one statement.
    fn under_key<'a>(&'a self, owner: &'a str) -> (Option<Sql<'a>>, impl WriteStatement<'a, TaskRow>) {
        let ids: Vec<_> = self.0.iter().map(|row| row.id).collect();
        let read = Sql::returning(Self::READ).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(ids);
        (Some(self.insert(owner, NOW, "")), read)
    }
}
