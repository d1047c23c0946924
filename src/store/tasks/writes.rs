//! Changes to one task, each one statement.

use diesel::{
    define_sql_function, dsl,
    dsl::{case_when, not},
    prelude::*,
    sql_types::{self, BigInt, Bool, Nullable, Timestamptz},
};
use serde::Serialize;
use uuid::Uuid;

use super::reads::{Owned, owned_by};
use crate::{
    store::sql::{
        position::{Selected, statement_timestamp, tandem_position},
        record::ReadAs,
        rows::{ChangedColumns, DeletedRow, TaskColumns, TaskRow},
        schema::tasks,
        statement::{Answer, Operation, Statement, Write},
    },
    task::TaskId,
};

define_sql_function! {
    #[sql_name = "coalesce"]
    fn coalesce(condition: Nullable<Bool>, default: Bool) -> Bool;
}

/// What every change sets besides its own columns.
type Revision = (
    dsl::Eq<tasks::version, <tasks::version as std::ops::Add<i64>>::Output>,
    dsl::Eq<tasks::position, tandem_position>,
    dsl::Eq<tasks::updated_at, statement_timestamp>,
);

pub(super) fn revision() -> Revision {
    (
        tasks::version.eq(tasks::version + 1),
        tasks::position.eq(tandem_position()),
        tasks::updated_at.eq(statement_timestamp()),
    )
}

/// Sets `completed`. A task that is in this state already keeps its version.
macro_rules! completion {
    ($completed:expr) => {{
        let changes = tasks::completed.ne($completed);
        (
            tasks::completed.eq($completed),
            tasks::version.eq(case_when(changes, tasks::version + 1).otherwise(tasks::version)),
            tasks::position.eq(case_when(changes, Selected(tandem_position())).otherwise(tasks::position)),
            tasks::updated_at.eq(case_when(changes, Selected(statement_timestamp())).otherwise(tasks::updated_at)),
        )
    }};
}
pub(super) use completion;

/// One task at a version, if one is expected.
#[derive(Clone, Copy, Serialize)]
pub(super) struct TaskTarget {
    pub(super) id: Uuid,
    pub(super) expected: Option<i64>,
}

type IsExpected = coalesce<dsl::Eq<dsl::Nullable<tasks::version>, Option<i64>>, bool>;

impl TaskTarget {
    pub(super) fn new(id: TaskId, expected: Option<i64>) -> Self {
        Self { id: id.as_uuid(), expected }
    }

    /// One statement for both cases, so that it is prepared once.
    fn of(self, owner: &str) -> dsl::Filter<dsl::Filter<Owned<'_>, dsl::Eq<tasks::id, Uuid>>, IsExpected> {
        let is_expected = coalesce(tasks::version.nullable().eq(self.expected), true);
        owned_by(owner).filter(tasks::id.eq(self.id)).filter(is_expected)
    }
}

#[derive(Serialize)]
pub(super) struct Update {
    pub(super) target: TaskTarget,
    pub(super) columns: ChangedColumns,
}

impl Operation for Update {
    const NAME: &'static str = "update";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let set = (&self.columns, revision());
        diesel::update(self.target.of(owner)).set(set).returning(TaskColumns)
    }
}

impl Write for Update {}

/// The id, the version, the position and the time of a deletion.
type Tombstone = (sql_types::Uuid, BigInt, BigInt, Timestamptz);

#[derive(Serialize)]
pub(super) struct Delete(pub(super) TaskTarget);

impl Operation for Delete {
    const NAME: &'static str = "delete";
    type Row = DeletedRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<DeletedRow> + 'a {
        let gone = (tasks::id, tasks::version);
        ReadAs::<Tombstone, _>::new(diesel::delete(self.0.of(owner)).returning(gone))
    }
}

impl Write for Delete {
    const ANSWER: Answer = Answer::Tombstones;
    const DELETES: bool = true;
    const HAS_ONE_FORM: bool = true;
}

/// One statement, no read before the write: concurrent toggles all count.
#[derive(Serialize)]
pub(super) struct Toggle(pub(super) TaskTarget);

impl Operation for Toggle {
    const NAME: &'static str = "toggle";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let set = (tasks::completed.eq(not(tasks::completed)), revision());
        diesel::update(self.0.of(owner)).set(set).returning(TaskColumns)
    }
}

impl Write for Toggle {
    const HAS_ONE_FORM: bool = true;
}

#[derive(Serialize)]
pub(super) struct SetCompleted {
    pub(super) target: TaskTarget,
    pub(super) completed: bool,
}

impl Operation for SetCompleted {
    const NAME: &'static str = "set_completed";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let set = completion!(self.completed);
        diesel::update(self.target.of(owner)).set(set).returning(TaskColumns)
    }
}

impl Write for SetCompleted {
    const HAS_ONE_FORM: bool = true;
}
