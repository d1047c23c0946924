//! The one task that a change is about.

use diesel::sql_types::{self, BigInt, Nullable, Text};
use serde::Serialize;
use uuid::Uuid;

use crate::{store::sql::statement::Sql, task::TaskId};

/// One task, at a version if one is expected.
#[derive(Clone, Copy, Serialize)]
pub(super) struct TaskTarget {
    pub(super) id: Uuid,
    pub(super) expected: Option<i64>,
}

impl TaskTarget {
    pub(super) fn new(id: TaskId, expected: Option<i64>) -> Self {
        Self { id: id.as_uuid(), expected }
    }

    /// A statement with the owner as `$1`, the id as `$2` and the expected version as `$3`.
    pub(super) fn statement<'a, Row>(self, owner: &'a str, sql: &'static str) -> Sql<'a, Row> {
        Sql::returning(sql)
            .bind::<Text, _>(owner)
            .bind::<sql_types::Uuid, _>(self.id)
            .bind::<Nullable<BigInt>, _>(self.expected)
    }
}
