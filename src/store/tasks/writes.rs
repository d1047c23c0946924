//! Changes to one task, each one statement.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Bool, Timestamptz},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    owned::HasOwner,
    rows::{TaskRow, insert_tombstones, task_columns},
    target::TaskTarget,
};
use crate::{
    store::sql::statement::{Sql, SqlRow, Write, WriteStatement},
    task::DeletedTask,
};

/// Toggles whether a task is completed, without reading it first: concurrent toggles all count.
#[derive(Serialize)]
pub(super) struct Toggle(pub(super) TaskTarget);

impl Write for Toggle {
    const NAME: &'static str = "toggle";
    type Row = TaskRow;
    const SQL: &'static str = concat!(
        "UPDATE tasks
         SET completed = NOT completed,
             completed_at = CASE WHEN completed THEN NULL ELSE (SELECT statement_timestamp()) END,
             version = version + 1, position = tandem_position(), updated_at = statement_timestamp()
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = $2 AND coalesce(version = $3, true)
         RETURNING ",
        task_columns!()
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        self.0.statement(owner, Self::SQL)
    }
}

/// A task that is already in this state keeps its version.
#[derive(Serialize)]
pub(super) struct SetCompleted {
    pub(super) target: TaskTarget,
    pub(super) completed: bool,
}

impl Write for SetCompleted {
    const NAME: &'static str = "set_completed";
    type Row = TaskRow;
    /// Citus refuses stable functions in a CASE unless they are in a SELECT.
    const SQL: &'static str = concat!(
        "UPDATE tasks
         SET completed = $4,
             completed_at = CASE WHEN completed = $4 THEN completed_at WHEN $4 THEN (SELECT statement_timestamp()) END,
             version = CASE WHEN completed <> $4 THEN version + 1 ELSE version END,
             position = CASE WHEN completed <> $4 THEN (SELECT tandem_position()) ELSE position END,
             updated_at = CASE WHEN completed <> $4 THEN (SELECT statement_timestamp()) ELSE updated_at END
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = $2 AND coalesce(version = $3, true)
         RETURNING ",
        task_columns!()
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        self.target.statement(owner, Self::SQL).bind::<Bool, _>(self.completed)
    }
}

/// Deletes a task, and leaves a tombstone.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Delete {
    pub(super) target: TaskTarget,
    /// Whether the tombstone keeps what the task said.
    #[serde(skip)]
    pub(super) keeps_text: bool,
}

impl Write for Delete {
    const NAME: &'static str = "delete";
    type Row = DeletedRow;
    const SQL: &'static str = "WITH deleted AS (
         DELETE FROM tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = $2 AND coalesce(version = $3, true)
         RETURNING id, version
     ), result AS (
         SELECT id, version + 1 AS version, tandem_position() AS position, tandem_time() AS deleted_at FROM deleted
     ) SELECT * FROM result";

    fn first<'a>(&'a self, owner: &'a str) -> Option<Sql<'a>> {
        let sql = insert_tombstones!(self.keeps_text, "id = $2 AND coalesce(version = $3, true)");
        Some(self.target.statement(owner, sql))
    }

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, DeletedRow> {
        self.target.statement(owner, Self::SQL)
    }
}

/// What remains of a deleted task: none of its text. Outcomes that were stored by older versions have only the id.
#[derive(Deserialize, Queryable, Serialize)]
pub(super) struct DeletedRow {
    id: Uuid,
    #[serde(default)]
    version: i64,
    #[serde(default)]
    position: i64,
    #[serde(default)]
    deleted_at: DateTime<Utc>,
}

impl HasOwner for DeletedRow {}

impl SqlRow for DeletedRow {
    type Columns = (sql_types::Uuid, BigInt, BigInt, Timestamptz);
}

impl From<DeletedTask> for DeletedRow {
    fn from(DeletedTask { id, version, position, deleted_at }: DeletedTask) -> Self {
        Self { id: id.as_uuid(), version, position, deleted_at }
    }
}

impl From<DeletedRow> for DeletedTask {
    fn from(DeletedRow { id, version, position, deleted_at }: DeletedRow) -> Self {
        Self { id: id.into(), version, position, deleted_at }
    }
}
