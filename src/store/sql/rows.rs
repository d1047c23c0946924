//! The rows of `tasks` as they are read and written: the one place in `store` that lists the columns.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    expression::ValidGrouping,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{self, Array, Bool, Nullable, Text},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::schema::tasks;
use crate::task::{DeletedTask, Description, NewTask, Task, TaskId, TaskPatch, Title};

/// A whole row. Also what is stored of one under an idempotency key: a column that is added needs `#[serde(default)]`,
/// for outcomes that were stored before.
#[derive(Deserialize, Queryable)]
pub(in crate::store) struct TaskRow {
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

/// The columns of [`TaskRow`], written out: diesel would quote the name of each for each statement.
#[derive(Clone, Copy, QueryId, ValidGrouping)]
pub(in crate::store) struct TaskColumns;

impl TaskColumns {
    pub(in crate::store) const SQL: &str =
        "user_id, id, title, description, completed, version, created_at, updated_at, position";
}

impl Expression for TaskColumns {
    type SqlType = tasks::SqlType;
}

impl AppearsOnTable<tasks::table> for TaskColumns {}
impl SelectableExpression<tasks::table> for TaskColumns {}

impl QueryFragment<Pg> for TaskColumns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(Self::SQL);
        Ok(())
    }
}

/// A row of `deleted_tasks` in the columns of [`TaskRow`], for a UNION of both, and in their very types, without which
/// PostgreSQL would not merge the two in their order. It was changed last when it was deleted.
pub(in crate::store) const TOMBSTONE_COLUMNS: &str =
    "user_id, id, '-'::task_title, NULL::task_description, false, version, deleted_at, deleted_at, position";

impl TaskRow {
    /// What a row of [`TOMBSTONE_COLUMNS`] stands for.
    pub(in crate::store) fn into_deleted(self) -> DeletedTask {
        DeletedTask { id: self.id.into(), version: self.version, position: self.position, deleted_at: self.updated_at }
    }
}

/// What is left of a deleted row: nothing that its user wanted to be gone. Outcomes that were stored by older versions have
/// only the id.
#[derive(Deserialize, Queryable)]
pub(in crate::store) struct DeletedRow {
    id: Uuid,
    #[serde(default)]
    version: i64,
    #[serde(default)]
    position: i64,
    #[serde(default)]
    deleted_at: DateTime<Utc>,
}

impl From<DeletedRow> for DeletedTask {
    fn from(DeletedRow { id, version, position, deleted_at }: DeletedRow) -> Self {
        Self { id: id.into(), version, position, deleted_at }
    }
}

/// A new row. Its id is made here, so it is not part of what was asked for.
#[derive(QueryId, Serialize)]
pub(in crate::store) struct NewRow {
    #[serde(skip)]
    id: Uuid,
    title: String,
    description: Option<String>,
    completed: bool,
}

impl From<NewTask> for NewRow {
    fn from(NewTask { title, description, completed }: NewTask) -> Self {
        Self {
            id: TaskId::generate().as_uuid(),
            title: title.into_string(),
            description: description.map(Description::into_string),
            completed,
        }
    }
}

impl NewRow {
    /// The columns of a new row, in the order in which it is written into a statement.
    pub(in crate::store) const COLUMNS: &str = "id, title, description, completed";
}

/// As values to select.
impl QueryFragment<Pg> for NewRow {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<sql_types::Uuid, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.title)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.description)?;
        out.push_sql(", ");
        out.push_bind_param::<Bool, _>(&self.completed)
    }
}

/// New rows, column by column: an INSERT of arrays is the same statement however many rows there are.
#[derive(Default, QueryId, Serialize)]
pub(in crate::store) struct NewRows {
    #[serde(skip)]
    ids: Vec<Uuid>,
    titles: Vec<String>,
    descriptions: Vec<Option<String>>,
    completed: Vec<bool>,
}

/// As sets to select side by side.
impl QueryFragment<Pg> for NewRows {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        out.push_bind_param::<Array<sql_types::Uuid>, _>(&self.ids)?;
        out.push_sql("), unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.titles)?;
        out.push_sql("), unnest(");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.descriptions)?;
        out.push_sql("), unnest(");
        out.push_bind_param::<Array<Bool>, _>(&self.completed)?;
        out.push_sql(")");
        Ok(())
    }
}

impl FromIterator<NewTask> for NewRows {
    fn from_iter<I: IntoIterator<Item = NewTask>>(new: I) -> Self {
        let mut rows = Self::default();
        for NewRow { id, title, description, completed } in new.into_iter().map(NewRow::from) {
            rows.ids.push(id);
            rows.titles.push(title);
            rows.descriptions.push(description);
            rows.completed.push(completed);
        }
        rows
    }
}

/// The columns an update sets. `None` keeps what is there, and is left out of the fingerprint.
#[derive(AsChangeset, Serialize)]
#[diesel(table_name = tasks)]
pub(in crate::store) struct ChangedColumns {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<bool>,
}

impl From<TaskPatch> for ChangedColumns {
    fn from(TaskPatch { title, description, completed }: TaskPatch) -> Self {
        Self {
            title: title.map(Title::into_string),
            description: description.map(|text| text.map(Description::into_string)),
            completed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use diesel::debug_query;

    use super::*;

    /// Columns no client sets.
    const KEPT_BY_THE_SERVER: [&str; 5] = ["user_id", "version", "created_at", "updated_at", "position"];

    /// The columns a statement names.
    fn columns(statement: &str) -> BTreeSet<String> {
        let sql = statement.split(" -- binds").next().unwrap();
        sql.split('"').skip(1).step_by(2).filter(|name| *name != "tasks").map(ToOwned::to_owned).collect()
    }

    /// All columns of the generated schema but these.
    fn all_but(without: &[&str]) -> BTreeSet<String> {
        let all = columns(&debug_query::<Pg, _>(&tasks::table.select(tasks::all_columns)).to_string());
        all.into_iter().filter(|column| !without.contains(&column.as_str())).collect()
    }

    #[test]
    fn every_column_is_read() {
        let all = debug_query::<Pg, _>(&tasks::table.select(tasks::all_columns)).to_string();
        assert!(
            all.replace("\"tasks\".", "").replace('"', "").contains(&format!("SELECT {} FROM", TaskColumns::SQL)),
            "{all}"
        );
    }

    #[test]
    fn every_column_a_client_sets_is_inserted() {
        let inserted: BTreeSet<_> = NewRow::COLUMNS.split(", ").map(ToOwned::to_owned).collect();
        assert_eq!(inserted, all_but(&KEPT_BY_THE_SERVER));
    }

    #[test]
    fn every_column_a_client_sets_is_updated() {
        let changes = ChangedColumns { title: Some(String::new()), description: Some(None), completed: Some(true) };
        let update = debug_query::<Pg, _>(&diesel::update(tasks::table).set(changes)).to_string();
        let mut expected = all_but(&KEPT_BY_THE_SERVER);
        expected.remove("id");
        assert_eq!(columns(&update), expected);
    }
}
