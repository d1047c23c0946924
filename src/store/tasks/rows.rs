//! The columns of `tasks`, as they are read, inserted and updated: a new column is added here, and nowhere else in `store`.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, Bool, Nullable, Text},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{owned::HasOwner, target::TaskTarget};
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
}

impl FromIterator<NewTask> for Insert {
    fn from_iter<I: IntoIterator<Item = NewTask>>(new: I) -> Self {
        let row = |NewTask { title, description, completed }| NewRow {
            id: TaskId::generate().as_uuid(),
            title: title.into_string(),
            description: description.map(Description::into_string),
            completed,
        };
        Self(new.into_iter().map(row).collect())
    }
}

impl Insert {
    const READ: &str = concat!(
        "SELECT ",
        task_columns!(),
        " FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)"
    );

    /// As any other role, the first id is null, which the table refuses. The position is the column's default.
    fn values(index: usize) -> String {
        let [id, title, description, completed] = [2, 3, 4, 5].map(|column| 4 * index + column);
        let id =
            if index == 0 { format!("CASE WHEN current_user = 'tandem_api' THEN ${id} END") } else { format!("${id}") };
        format!("($1, {id}, ${title}, ${description}, ${completed}, statement_timestamp(), statement_timestamp())")
    }

    /// The rows are listed in VALUES: Citus would commit an INSERT of a SELECT in two phases.
    fn insert<'a, Row>(&'a self, owner: &'a str, returning: &str) -> Sql<'a, Row> {
        let values: Vec<_> = (0..self.0.len()).map(Self::values).collect();
        let text = format!("{} VALUES {}{returning}", Self::SQL, values.join(", "));
        let mut insert = Sql::returning(text).bind::<Text, _>(owner);
        for NewRow { id, title, description, completed } in &self.0 {
            insert = insert
                .bind::<sql_types::Uuid, _>(id)
                .bind::<Text, _>(title)
                .bind::<Nullable<Text>, _>(description)
                .bind::<Bool, _>(completed);
        }
        insert
    }
}

impl Write for Insert {
    const NAME: &'static str = "insert";
    type Row = TaskRow;
    const SQL: &'static str = "INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at)";

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
            let columns = Insert::SQL.split(['(', ')']).nth(1).unwrap();
            assert!(columns.split(", ").any(|inserted| inserted == column), "{column}");
            assert!(column == "id" || Update::SQL.contains(&format!(" {column} = ")), "{column}");
        }
    }
}
