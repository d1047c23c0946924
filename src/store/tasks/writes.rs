//! Changes to one task, each one statement.

use diesel::{
    define_sql_function, dsl,
    dsl::{case_when, not},
    prelude::*,
    sql_types::{Bool, Nullable},
};
use serde::Serialize;
use uuid::Uuid;

use super::reads::{Owned, owned_by};
use crate::{
    store::{
        owner::Owner,
        rows::{ChangedColumns, DeletedRow, NewRow, TaskRow},
        schema::tasks,
        statement::{Operation, Statement, Write},
    },
    task::TaskId,
};

define_sql_function! {
    /// Now, not when the transaction began: a change that waited for another one is dated after it.
    fn clock_timestamp() -> Timestamptz;
}

define_sql_function! {
    #[sql_name = "coalesce"]
    fn coalesce(condition: Nullable<Bool>, default: Bool) -> Bool;
}

/// What every change sets besides its own columns.
type Revision = (
    dsl::Eq<tasks::version, <tasks::version as std::ops::Add<i64>>::Output>,
    dsl::Eq<tasks::updated_at, clock_timestamp>,
);

pub(super) fn revision() -> Revision {
    (tasks::version.eq(tasks::version + 1), tasks::updated_at.eq(clock_timestamp()))
}

/// Sets `completed`. A task that is in this state already keeps its version.
macro_rules! completion {
    ($completed:expr) => {{
        let changes = tasks::completed.ne($completed);
        (
            tasks::completed.eq($completed),
            tasks::version.eq(case_when(changes, tasks::version + 1).otherwise(tasks::version)),
            tasks::updated_at.eq(case_when(changes, clock_timestamp()).otherwise(tasks::updated_at)),
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
pub(super) struct Insert(pub(super) NewRow);

impl Operation for Insert {
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let values = (tasks::user_id.eq(Owner(owner)), &self.0);
        diesel::insert_into(tasks::table).values(values).returning(TaskRow::as_returning())
    }
}

impl Write for Insert {
    const NAME: &'static str = "insert";
}

#[derive(Serialize)]
pub(super) struct Update {
    pub(super) target: TaskTarget,
    pub(super) columns: ChangedColumns,
}

impl Operation for Update {
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let set = (&self.columns, revision());
        diesel::update(self.target.of(owner)).set(set).returning(TaskRow::as_returning())
    }
}

impl Write for Update {
    const NAME: &'static str = "update";
}

#[derive(Serialize)]
pub(super) struct Delete(pub(super) TaskTarget);

impl Operation for Delete {
    type Row = DeletedRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<DeletedRow> + 'a {
        diesel::delete(self.0.of(owner)).returning(DeletedRow::as_returning())
    }
}

impl Write for Delete {
    const NAME: &'static str = "delete";
}

/// One statement, no read before the write: concurrent toggles all count.
#[derive(Serialize)]
pub(super) struct Toggle(pub(super) TaskTarget);

impl Operation for Toggle {
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let set = (tasks::completed.eq(not(tasks::completed)), revision());
        diesel::update(self.0.of(owner)).set(set).returning(TaskRow::as_returning())
    }
}

impl Write for Toggle {
    const NAME: &'static str = "toggle";
}

#[derive(Serialize)]
pub(super) struct SetCompleted {
    pub(super) target: TaskTarget,
    pub(super) completed: bool,
}

impl Operation for SetCompleted {
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let set = completion!(self.completed);
        diesel::update(self.target.of(owner)).set(set).returning(TaskRow::as_returning())
    }
}

impl Write for SetCompleted {
    const NAME: &'static str = "set_completed";
}
