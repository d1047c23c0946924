//! Changes to many tasks: all are done, or none.

use diesel::{
    deserialize,
    pg::Pg,
    prelude::*,
    sql_types::{self, Array, BigInt, Text},
};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::{
    owned::HasOwner,
    rows::{TaskRow, TaskTypes, insert_tombstones, task_columns},
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
#[serde(transparent)]
pub(super) struct DeleteMany {
    pub(super) ids: Vec<Uuid>,
    /// Whether the tombstones keep what the tasks said.
    #[serde(skip)]
    pub(super) keeps_text: bool,
}

/// A deleted task: as it was, or of a stored outcome only which one, and at which version. The release before stored more.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum GoneRow {
    Whole(TaskRow),
    Outcome { id: Uuid, version: i64 },
}

impl HasOwner for GoneRow {
    fn owner(&self) -> Option<&str> {
        match self {
            Self::Whole(task) => task.owner(),
            Self::Outcome { .. } => None,
        }
    }
}

impl Queryable<TaskTypes, Pg> for GoneRow {
    type Row = <TaskRow as Queryable<TaskTypes, Pg>>::Row;

    fn build(row: Self::Row) -> deserialize::Result<Self> {
        <TaskRow as Queryable<TaskTypes, Pg>>::build(row).map(Self::Whole)
    }
}

impl SqlRow for GoneRow {
    type Columns = TaskTypes;
}

impl Write for DeleteMany {
    const NAME: &'static str = "delete_many";
    /// Oldest first.
    const OUTCOME: &'static str = "jsonb_build_object('id', id, 'version', version) ORDER BY created_at, id";
    type Row = GoneRow;
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
            self.keeps_text,
            "id = ANY ($2) AND cardinality($2) = (
                 SELECT count(*) FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)
             )"
        );
        Some(Sql::new(sql).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(&self.ids))
    }

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, GoneRow> {
        Sql::returning(Self::SQL).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(&self.ids)
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

/// How many tasks were deleted, and the ids of the oldest. The release before stored the number alone.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum ClearedRow {
    Ids { count: i64, ids: Vec<Uuid> },
    Count(i64),
}

impl Queryable<<Self as SqlRow>::Columns, Pg> for ClearedRow {
    type Row = (i64, Vec<Uuid>);

    fn build((count, ids): Self::Row) -> deserialize::Result<Self> {
        Ok(Self::Ids { count, ids })
    }
}

impl HasOwner for ClearedRow {}

impl SqlRow for ClearedRow {
    type Columns = (BigInt, Array<sql_types::Uuid>);
}

/// Deletes every completed task, and leaves tombstones.
pub(super) struct ClearCompleted {
    /// Whether the tombstones keep what the tasks said.
    pub(super) keeps_text: bool,
}

/// As in the release before, which had no fields.
impl Serialize for ClearCompleted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl Write for ClearCompleted {
    const NAME: &'static str = "clear_completed";
    type Row = ClearedRow;
    const SQL: &'static str = "WITH deleted AS (
         DELETE FROM tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND completed
         RETURNING id, created_at
     ), result AS (
         SELECT count(*) AS count, ARRAY(SELECT id FROM deleted ORDER BY created_at, id LIMIT 1000) AS ids FROM deleted
     ) SELECT * FROM result";

    fn first<'a>(&'a self, owner: &'a str) -> Option<Sql<'a>> {
        Some(Sql::new(insert_tombstones!(self.keeps_text, "completed")).bind::<Text, _>(owner))
    }

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, ClearedRow> {
        Sql::returning(Self::SQL).bind::<Text, _>(owner)
    }
}
