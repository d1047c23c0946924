//! The position of a change in its user's feed, as SQL: now, but later than the user's last change. What makes that hold
//! is the user's lock, which every transaction that writes takes before the snapshot of its work.

use diesel::{
    QueryResult,
    expression::{AppearsOnTable, ValidGrouping},
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::Timestamptz,
};

use crate::store::owner::push_user;

/// The position of what a statement changes.
#[derive(Clone, Copy, ValidGrouping)]
pub(super) struct NextPosition<'a>(pub(super) &'a str);

impl QueryFragment<Pg> for NextPosition<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_next_position(self.0, &mut out)
    }
}

impl Expression for NextPosition<'_> {
    type SqlType = Timestamptz;
}

impl<Table> AppearsOnTable<Table> for NextPosition<'_> {}

impl QueryId for NextPosition<'_> {
    type QueryId = NextPosition<'static>;
}

/// Writes it into a statement that diesel doesn't build.
pub(super) fn push_next_position<'b>(owner: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql("tandem_clock(");
    push_last_position(owner, out)?;
    out.push_sql(")");
    Ok(())
}

/// The position of the user's last change: the end of each index. Null if there was none.
pub(super) fn push_last_position<'b>(owner: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    // max() would be the same with twice the plan.
    out.push_sql("greatest((SELECT updated_at FROM tasks WHERE user_id = ");
    push_user(owner, out)?;
    out.push_sql(" ORDER BY updated_at DESC LIMIT 1), (SELECT deleted_at FROM deleted_tasks WHERE user_id = ");
    push_user(owner, out)?;
    out.push_sql(" ORDER BY deleted_at DESC LIMIT 1))");
    Ok(())
}
