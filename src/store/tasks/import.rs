//! Tasks that were made elsewhere, with their ids and times.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, Nullable, Text, Timestamptz},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{insert::NewRow, owned::HasOwner};
use crate::{
    store::sql::statement::{Read, Sql, SqlRow, Statement, Write, WriteStatement},
    task::ImportedTask,
};

/// Adds tasks, but none whose id the user has, or had for a task that was deleted since. Ids must be distinct.
#[derive(Serialize)]
pub(super) struct Import(Vec<ImportedRow>);

/// The same in the trash, unless the user has a task with the id or had one.
#[derive(Serialize)]
pub(super) struct ImportTrash(Vec<(ImportedRow, DateTime<Utc>)>);

#[derive(Serialize)]
struct ImportedRow {
    row: NewRow,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

impl From<ImportedTask> for ImportedRow {
    fn from(imported: ImportedTask) -> Self {
        let ImportedTask { id, state, created_at, updated_at, completed_at } = imported;
        Self { row: state.into_new(Some(id)).into(), created_at, updated_at, completed_at }
    }
}

impl FromIterator<ImportedTask> for Import {
    fn from_iter<I: IntoIterator<Item = ImportedTask>>(tasks: I) -> Self {
        Self(tasks.into_iter().map(Into::into).collect())
    }
}

impl FromIterator<(ImportedTask, DateTime<Utc>)> for ImportTrash {
    fn from_iter<I: IntoIterator<Item = (ImportedTask, DateTime<Utc>)>>(tasks: I) -> Self {
        Self(tasks.into_iter().map(|(task, deleted_at)| (task.into(), deleted_at)).collect())
    }
}

/// How many columns of a task have a value of their own in each row.
const COLUMNS: usize = 14;

impl ImportedRow {
    fn bind<'a, Row>(&'a self, insert: Sql<'a, Row>) -> Sql<'a, Row> {
        self.row
            .bind(insert)
            .bind::<Timestamptz, _>(self.created_at)
            .bind::<Timestamptz, _>(self.updated_at)
            .bind::<Nullable<Timestamptz>, _>(self.completed_at)
    }
}

/// The rows of a statement. As any other role, the first id is null, which the table refuses. The position is the column's
/// default, which is later than that of the transaction.
fn values(rows: usize, columns: usize, more: &str) -> String {
    let row = |row| {
        let first = 2 + row * columns;
        let id = if row == 0 { "CASE WHEN current_user = 'tandem_api' THEN $2 END" } else { &format!("${first}") };
        let others = (first + 1..first + columns).map(|number| format!("${number}")).collect::<Vec<_>>();
        format!("($1, {more}{id}, {})", others.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

impl Import {
    const INSERT: &str = "INSERT INTO tasks (user_id, id, title, description, completed, priority, due_date, due_time,
                                             due_zone, due_at, tags, tag_keys, created_at, updated_at, completed_at)";

    fn ids(&self) -> Vec<Uuid> {
        self.0.iter().map(|task| task.row.id).collect()
    }
}

impl Write for Import {
    const NAME: &'static str = "import";
    type Row = TaskOfId;
    /// What was inserted has a later position than its transaction. Whatever has a tombstone is removed again.
    const SQL: &'static str = "WITH undone AS (
         DELETE FROM tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND position > tandem_position()
           AND id IN (SELECT id FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2))
         RETURNING id
     ), result AS (
         SELECT id FROM tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND position > tandem_position()
           AND id NOT IN (SELECT id FROM undone)
     ) SELECT * FROM result";

    fn creations(&self) -> usize {
        self.0.len()
    }

    fn first<'a>(&'a self, owner: &'a str) -> Option<Sql<'a>> {
        let values = values(self.0.len(), COLUMNS, "");
        let text = format!("{} VALUES {values} ON CONFLICT (user_id, id) DO NOTHING", Self::INSERT);
        let insert = Sql::returning(text).bind::<Text, _>(owner);
        let insert = self.0.iter().fold(insert, |insert, row| row.bind(insert));
        Some(insert)
    }

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskOfId> {
        Sql::returning(Self::SQL).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(self.ids())
    }
}

impl ImportTrash {
    /// A deletion supersedes the first version.
    const INSERT: &str =
        "INSERT INTO deleted_tasks (user_id, version, id, title, description, completed, priority, due_date,
                                                     due_time, due_zone, due_at, tags, tag_keys, created_at, updated_at,
                                                     completed_at, deleted_at)";
}

impl Write for ImportTrash {
    const NAME: &'static str = "import_trash";
    type Row = TaskOfId;
    /// What was inserted has a later position than its transaction. Whatever is a task is removed again.
    const SQL: &'static str = "WITH undone AS (
         DELETE FROM deleted_tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND position > tandem_position()
           AND id IN (SELECT id FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2))
         RETURNING id
     ), result AS (
         SELECT id FROM deleted_tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND position > tandem_position()
           AND id NOT IN (SELECT id FROM undone)
     ) SELECT * FROM result";

    fn first<'a>(&'a self, owner: &'a str) -> Option<Sql<'a>> {
        let values = values(self.0.len(), COLUMNS + 1, "2, ");
        let text = format!("{} VALUES {values} ON CONFLICT (user_id, id) DO NOTHING", Self::INSERT);
        let insert = Sql::returning(text).bind::<Text, _>(owner);
        Some(
            self.0.iter().fold(insert, |insert, (row, deleted_at)| row.bind(insert).bind::<Timestamptz, _>(deleted_at)),
        )
    }

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskOfId> {
        let ids: Vec<_> = self.0.iter().map(|(task, _)| task.row.id).collect();
        Sql::returning(Self::SQL).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(ids)
    }
}

/// A task of which only the id is wanted.
#[derive(Deserialize, Queryable)]
pub(super) struct TaskOfId {
    pub(super) id: Uuid,
}

impl HasOwner for TaskOfId {}

impl SqlRow for TaskOfId {
    type Columns = (sql_types::Uuid,);
}

/// Which of these ids the user has, or had for a task that was deleted since.
pub(super) struct Taken(pub(super) Vec<Uuid>);

impl Read for Taken {
    const NAME: &'static str = "taken";
    type Row = TaskOfId;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskOfId> + 'a {
        Sql::<TaskOfId>::returning(
            "SELECT id FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)
             UNION ALL
             SELECT id FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)",
        )
        .bind::<Text, _>(owner)
        .bind::<Array<sql_types::Uuid>, _>(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::rows::task_columns, *};

    #[test]
    fn every_column_but_those_of_the_server_is_imported() {
        for (insert, more) in [(Import::INSERT, 1), (ImportTrash::INSERT, 3)] {
            let imported: Vec<_> = insert.split(['(', ')']).nth(1).unwrap().split(',').map(str::trim).collect();
            for column in task_columns!().split(", ").filter(|column| !["version", "position"].contains(column)) {
                assert!(imported.contains(&column), "{column}");
            }
            assert_eq!(imported.len(), more + COLUMNS);
        }
    }
}
