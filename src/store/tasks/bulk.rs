//! Changes to many tasks: all are done, or none.

use diesel::{
    prelude::*,
    sql_types::{self, Array, BigInt, Text},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    owned::HasOwner,
    rows::{TaskRow, insert_tombstones, task_columns},
};
use crate::store::sql::statement::{Sql, SqlRow, Write, WriteStatement};

/// Completes these tasks if all of them exist. Ids must be distinct.
#[derive(Serialize)]
pub(super) struct CompleteMany(pub(super) Vec<Uuid>);

impl Write for CompleteMany {
    const NAME: &'static str = "complete_many";
    type Row = TaskRow;
    const SQL: &'static str = concat!(
        "UPDATE tasks
         SET completed = true,
             completed_at = CASE WHEN completed THEN completed_at ELSE (SELECT statement_timestamp()) END,
             version = CASE WHEN completed THEN version ELSE version + 1 END,
             position = CASE WHEN completed THEN position ELSE (SELECT tandem_position()) END,
             updated_at = CASE WHEN completed THEN updated_at ELSE (SELECT statement_timestamp()) END
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2) AND cardinality($2) = (
             SELECT count(*) FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)
         )
         RETURNING ",
        task_columns!()
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        Sql::returning(Self::SQL).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(&self.0)
    }
}

/// Deletes these tasks if all of them exist, and leaves tombstones. Ids must be distinct.
#[derive(Serialize)]
pub(super) struct DeleteMany(pub(super) Vec<Uuid>);

impl Write for DeleteMany {
    const NAME: &'static str = "delete_many";
    type Row = TaskRow;
    const SQL: &'static str = concat!(
        "DELETE FROM tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2) AND cardinality($2) = (
             SELECT count(*) FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)
         )
         RETURNING ",
        task_columns!()
    );

    fn first<'a>(&'a self, owner: &'a str) -> Option<Sql<'a>> {
        let sql = insert_tombstones!(
            "id = ANY ($2) AND cardinality($2) = (
                 SELECT count(*) FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)
             )"
        );
        Some(Sql::new(sql).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(&self.0))
    }

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        Sql::returning(Self::SQL).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(&self.0)
    }
}

/// How many tasks were changed.
///
/// The column has the name of its CTE, so that `to_jsonb(result)`, which is stored as the outcome, is a number and not a row.
#[derive(Deserialize, Queryable)]
#[serde(transparent)]
pub(super) struct Count {
    pub(super) result: i64,
}

impl HasOwner for Count {}

impl SqlRow for Count {
    type Columns = (BigInt,);
}

/// Completes every pending task.
#[derive(Serialize)]
pub(super) struct CompleteAll;

impl Write for CompleteAll {
    const NAME: &'static str = "complete_all";
    type Row = Count;
    const SQL: &'static str = "WITH changed AS (
         UPDATE tasks
         SET completed = true, completed_at = statement_timestamp(),
             version = version + 1, position = tandem_position(), updated_at = statement_timestamp()
         WHERE user_id = $1 AND current_user = 'tandem_api' AND NOT completed
         RETURNING id
     ), result AS (SELECT count(*) AS result FROM changed) SELECT * FROM result";

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, Count> {
        Sql::returning(Self::SQL).bind::<Text, _>(owner)
    }
}

/// Deletes every completed task, and leaves tombstones.
#[derive(Serialize)]
pub(super) struct ClearCompleted;

impl Write for ClearCompleted {
    const NAME: &'static str = "clear_completed";
    type Row = Count;
    const SQL: &'static str = "WITH deleted AS (
         DELETE FROM tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND completed
         RETURNING id
     ), result AS (SELECT count(*) AS result FROM deleted) SELECT * FROM result";

    fn first<'a>(&'a self, owner: &'a str) -> Option<Sql<'a>> {
        Some(Sql::new(insert_tombstones!("completed")).bind::<Text, _>(owner))
    }

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, Count> {
        Sql::returning(Self::SQL).bind::<Text, _>(owner)
    }
}
