//! The look at how many tasks a user has, in front of a write that creates some.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};

use crate::store::{
    pool::{Count, Look},
    sql::statement::{Sql, SqlRow},
};

impl Look {
    /// Fails with a violation of the domain's CHECK if there is no room, so that PostgreSQL skips the write; which of the
    /// user's tasks are counted says [`crate::store::pool::Quota`]. What was created, restored or changed since the last look
    /// has no earlier position, so their number is the most that can have been added.
    pub(in crate::store) fn statement<'a>(&self, owner: &'a str) -> Sql<'a, Looked> {
        Sql::returning(
            "SELECT $2 + 1 - ($2 + 1 - tasks)::task_version, tandem_position() FROM (
                 SELECT CASE WHEN known <= $2 THEN known ELSE (
                     SELECT count(*) FROM (
                         SELECT FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' LIMIT greatest($2, 0) + 1
                     ) AS all_tasks
                 ) END AS tasks FROM (
                     SELECT $3 + count(*) AS known FROM tasks
                     WHERE user_id = $1 AND current_user = 'tandem_api' AND position >= $4
                 ) AS changed
             ) AS looked",
        )
        .bind::<Text, _>(owner)
        .bind::<BigInt, _>(self.most)
        .bind::<Nullable<BigInt>, _>(self.last.map(|count| count.tasks))
        .bind::<Nullable<BigInt>, _>(self.last.map(|count| count.position))
    }
}

/// How many tasks the user has. That costs as much as they are many.
pub(super) fn count(owner: &str) -> Sql<'_, i64> {
    Sql::returning("SELECT count(*) FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api'")
        .bind::<Text, _>(owner)
}

/// How many tasks there were, and the position of what is created.
#[derive(Queryable)]
pub(in crate::store) struct Looked {
    tasks: i64,
    position: i64,
}

impl SqlRow for Looked {
    type Columns = (BigInt, BigInt);
}

impl From<Looked> for Count {
    fn from(Looked { tasks, position }: Looked) -> Self {
        Self { tasks, position }
    }
}
