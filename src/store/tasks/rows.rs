//! The columns of `tasks`, as they are read, inserted and updated: a new column is added here, and nowhere else in `store`.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, Bool, Nullable, Text},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::target::TaskTarget;
use crate::{
    store::sql::{
        schema::tasks,
        statement::{Sql, SqlRow, Write, WriteStatement},
    },
    task::{DeletedTask, Description, NewTask, Task, TaskId, TaskPatch, Title},
};

/// A whole row. It is also stored as the outcome of a write under an idempotency key: a column that is added needs
/// `#[serde(default)]`, for outcomes that were stored before.
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
}

/// The columns of [`TaskRow`], for `concat!`.
macro_rules! task_columns {
    () => {
        "user_id, id, title, description, completed, version, created_at, updated_at, position"
    };
}
pub(super) use task_columns;

/// The same columns of `deleted_tasks`, for a UNION of both. They need the same types, or PostgreSQL would sort instead of
/// merging the two. A deleted task was last changed when it was deleted.
macro_rules! tombstone_columns {
    () => {
        "user_id, id, '-'::task_title, NULL::task_description, false, version, deleted_at, deleted_at, position"
    };
}
pub(super) use tombstone_columns;

impl SqlRow for TaskRow {
    type Columns = tasks::SqlType;
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
        }
    }
}

impl TaskRow {
    /// Reads a row of `tombstone_columns!`.
    pub(super) fn into_deleted(self) -> DeletedTask {
        DeletedTask { id: self.id.into(), version: self.version, position: self.position, deleted_at: self.updated_at }
    }
}

/// Adds a task. Its id is made here, so it is not part of what was asked for.
#[derive(Serialize)]
pub(super) struct Insert {
    #[serde(skip)]
    id: Uuid,
    title: String,
    description: Option<String>,
    completed: bool,
}

impl From<NewTask> for Insert {
    fn from(NewTask { title, description, completed }: NewTask) -> Self {
        Self {
            id: TaskId::generate().as_uuid(),
            title: title.into_string(),
            description: description.map(Description::into_string),
            completed,
        }
    }
}

impl Write for Insert {
    const NAME: &'static str = "insert";
    type Row = TaskRow;
    /// The position is the column's default. As any other role, the id is null, which the table refuses.
    const SQL: &'static str = concat!(
        "INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at)
         VALUES ($1, CASE WHEN current_user = 'tandem_api' THEN $2 END, $3, $4, $5,
                 statement_timestamp(), statement_timestamp())
         RETURNING ",
        task_columns!()
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        Sql::returning(Self::SQL)
            .bind::<Text, _>(owner)
            .bind::<sql_types::Uuid, _>(self.id)
            .bind::<Text, _>(&self.title)
            .bind::<Nullable<Text>, _>(&self.description)
            .bind::<Bool, _>(self.completed)
    }
}

/// Adds tasks, given column by column, so that the statement doesn't depend on their number.
#[derive(Default, Serialize)]
pub(super) struct InsertMany {
    #[serde(skip)]
    ids: Vec<Uuid>,
    titles: Vec<String>,
    descriptions: Vec<Option<String>>,
    completed: Vec<bool>,
}

impl FromIterator<NewTask> for InsertMany {
    fn from_iter<I: IntoIterator<Item = NewTask>>(new: I) -> Self {
        let mut rows = Self::default();
        for Insert { id, title, description, completed } in new.into_iter().map(Insert::from) {
            rows.ids.push(id);
            rows.titles.push(title);
            rows.descriptions.push(description);
            rows.completed.push(completed);
        }
        rows
    }
}

impl Write for InsertMany {
    const NAME: &'static str = "insert_many";
    type Row = TaskRow;
    /// The positions are the column's default: drawn by the SELECT, they would need a subquery in the plan.
    const SQL: &'static str = concat!(
        "INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at)
         SELECT $1, unnest($2), unnest($3), unnest($4), unnest($5), statement_timestamp(), statement_timestamp()
         WHERE current_user = 'tandem_api'
         RETURNING ",
        task_columns!()
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        Sql::returning(Self::SQL)
            .bind::<Text, _>(owner)
            .bind::<Array<sql_types::Uuid>, _>(&self.ids)
            .bind::<Array<Text>, _>(&self.titles)
            .bind::<Array<Nullable<Text>>, _>(&self.descriptions)
            .bind::<Array<Bool>, _>(&self.completed)
    }
}

/// Changes what is given of a task.
#[derive(Serialize)]
pub(super) struct Update {
    target: TaskTarget,
    columns: ChangedColumns,
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
}

impl Update {
    pub(super) fn new(target: TaskTarget, TaskPatch { title, description, completed }: TaskPatch) -> Self {
        let title = title.map(Title::into_string);
        let description = description.map(|text| text.map(Description::into_string));
        Self { target, columns: ChangedColumns { title, description, completed } }
    }
}

impl Write for Update {
    const NAME: &'static str = "update";
    type Row = TaskRow;
    const SQL: &'static str = concat!(
        "UPDATE tasks
         SET title = coalesce($4, title),
             description = CASE WHEN $5 THEN $6 ELSE description END,
             completed = coalesce($7, completed),
             version = version + 1, position = tandem_position(), updated_at = statement_timestamp()
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = $2 AND coalesce(version = $3, true)
         RETURNING ",
        task_columns!()
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        let ChangedColumns { title, description, completed } = &self.columns;
        self.target
            .statement(owner, Self::SQL)
            .bind::<Nullable<Text>, _>(title)
            .bind::<Bool, _>(description.is_some())
            .bind::<Nullable<Text>, _>(description.as_ref().and_then(Option::as_ref))
            .bind::<Nullable<Bool>, _>(completed)
    }
}

#[cfg(test)]
mod tests {
    use diesel::{debug_query, pg::Pg};

    use super::*;

    /// Columns no client sets.
    const KEPT_BY_THE_SERVER: [&str; 5] = ["user_id", "version", "created_at", "updated_at", "position"];

    /// The columns of the generated schema.
    fn schema() -> Vec<String> {
        let select = debug_query::<Pg, _>(&tasks::table.select(tasks::all_columns)).to_string();
        let columns = select.split(" FROM ").next().unwrap();
        columns.split('"').skip(3).step_by(4).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn every_column_is_read() {
        assert_eq!(task_columns!().split(", ").collect::<Vec<_>>(), schema());
        assert_eq!(tombstone_columns!().split(", ").count(), schema().len());
    }

    #[test]
    fn every_column_a_client_sets_is_inserted_and_updated() {
        for column in schema().iter().filter(|column| !KEPT_BY_THE_SERVER.contains(&column.as_str())) {
            for insert in [Insert::SQL, InsertMany::SQL] {
                let columns = insert.split(['(', ')']).nth(1).unwrap();
                assert!(columns.split(", ").any(|inserted| inserted == column), "{column}: {insert}");
            }
            assert!(column == "id" || Update::SQL.contains(&format!(" {column} = ")), "{column}");
        }
    }
}
