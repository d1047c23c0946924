//! Changes to many tasks, each one statement: all are done, or none.
//!
//! Rows are locked in the order of their ids before any is changed, so that two bulk changes can't deadlock.

use diesel::{
    QueryResult,
    dsl::case_when,
    expression::{AppearsOnTable, ValidGrouping},
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{self, Array, BigInt, Bool},
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    reads::owned_by,
    writes::{completion, revision},
};
use crate::store::sql::{
    owner::push_owned_by,
    position::{Selected, statement_timestamp, tandem_position},
    record::ReadAs,
    rows::{TaskColumns, TaskRow},
    schema::tasks,
    statement::{Answer, Operation, Statement, Write},
};

/// Completes these tasks if all of them are there. No id may come twice.
#[derive(Serialize)]
pub(super) struct CompleteMany(pub(super) Vec<Uuid>);

impl Operation for CompleteMany {
    const NAME: &'static str = "complete_many";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let these = owned_by(owner).filter(tasks::id.eq_any(&self.0)).filter(AllPresent { owner, ids: &self.0 });
        diesel::update(these).set(completion!(true)).returning(TaskColumns)
    }
}

impl Write for CompleteMany {}

/// Deletes these tasks if all of them are there. No id may come twice.
#[derive(Serialize)]
pub(super) struct DeleteMany(pub(super) Vec<Uuid>);

impl Operation for DeleteMany {
    const NAME: &'static str = "delete_many";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let these = owned_by(owner).filter(tasks::id.eq_any(&self.0)).filter(AllPresent { owner, ids: &self.0 });
        diesel::delete(these).returning(TaskColumns)
    }
}

impl Write for DeleteMany {
    const DELETES: bool = true;
}

/// Completes every pending task.
#[derive(Serialize)]
pub(super) struct CompleteAll;

impl Operation for CompleteAll {
    const NAME: &'static str = "complete_all";
    type Row = i64;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<i64> + 'a {
        let pending = owned_by(owner).filter(tasks::completed.eq(false)).filter(Locked { owner, completed: false });
        let set = (tasks::completed.eq(true), revision());
        ReadAs::<BigInt, _>::new(diesel::update(pending).set(set).returning(tasks::version))
    }
}

impl Write for CompleteAll {
    const ANSWER: Answer = Answer::Count;
}

/// Deletes every completed task.
#[derive(Serialize)]
pub(super) struct ClearCompleted;

impl Operation for ClearCompleted {
    const NAME: &'static str = "clear_completed";
    type Row = i64;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<i64> + 'a {
        let completed = owned_by(owner).filter(tasks::completed.eq(true)).filter(Locked { owner, completed: true });
        let gone = (tasks::id, tasks::version);
        ReadAs::<BigInt, _>::new(diesel::delete(completed).returning(gone))
    }
}

impl Write for ClearCompleted {
    const ANSWER: Answer = Answer::Count;
    const DELETES: bool = true;
}

/// Whether a task is among those of one state, which are locked on the way.
#[derive(ValidGrouping)]
struct Locked<'a> {
    owner: &'a str,
    completed: bool,
}

impl QueryFragment<Pg> for Locked<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("id IN (SELECT id FROM tasks WHERE ");
        push_owned_by(self.owner, &mut out)?;
        out.push_sql(" AND completed = ");
        out.push_bind_param::<Bool, _>(&self.completed)?;
        out.push_sql(" ORDER BY id FOR UPDATE)");
        Ok(())
    }
}

/// Whether all of these tasks are there. They are locked and counted: none can go before it is changed.
#[derive(ValidGrouping)]
struct AllPresent<'a> {
    owner: &'a str,
    ids: &'a Vec<Uuid>,
}

impl QueryFragment<Pg> for AllPresent<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("cardinality(");
        out.push_bind_param::<Array<sql_types::Uuid>, _>(self.ids)?;
        out.push_sql(") = (SELECT count(*) FROM (SELECT FROM tasks WHERE ");
        push_owned_by(self.owner, &mut out)?;
        out.push_sql(" AND id = ANY(");
        out.push_bind_param::<Array<sql_types::Uuid>, _>(self.ids)?;
        out.push_sql(") ORDER BY id FOR UPDATE) AS present)");
        Ok(())
    }
}

/// Conditions on rows of `tasks`.
macro_rules! condition {
    ($name:ident) => {
        impl Expression for $name<'_> {
            type SqlType = Bool;
        }

        impl AppearsOnTable<tasks::table> for $name<'_> {}

        impl QueryId for $name<'_> {
            type QueryId = $name<'static>;
        }
    };
}

condition!(Locked);
condition!(AllPresent);
