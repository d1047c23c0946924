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

/// The same for a CASE, in which a distributed database refuses stable functions, unless a SELECT has them.
#[derive(Clone, Copy, ValidGrouping)]
pub(super) struct NextPositionInCase<'a>(pub(super) &'a str);

impl QueryFragment<Pg> for NextPositionInCase<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT ");
        push_next_position(self.0, &mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Times.
macro_rules! time {
    ($name:ident) => {
        impl Expression for $name<'_> {
            type SqlType = Timestamptz;
        }

        impl<Table> AppearsOnTable<Table> for $name<'_> {}

        impl QueryId for $name<'_> {
            type QueryId = $name<'static>;
        }
    };
}

time!(NextPosition);
time!(NextPositionInCase);

/// Writes it into a statement that diesel doesn't build.
///
/// Only a change that is no earlier than the statement can matter, and as a rule the indexes have none. From the end of the
/// user's entries a scan would find those that the last changes left dead, and would have to look at their rows.
pub(super) fn push_next_position<'b>(owner: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    push_position_behind("statement_timestamp()", owner, out)
}

/// The same for a deletion, behind the deleted rows as well, which are called `done`: a distributed database looks for the
/// last change when they are gone.
pub(super) fn push_deletion_position<'b>(owner: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    push_position_behind("statement_timestamp(), (SELECT max(updated_at) FROM done)", owner, out)
}

fn push_position_behind<'b>(times: &str, owner: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql("tandem_clock(greatest(");
    out.push_sql(times);
    out.push_sql(", ");
    push_last(owner, [" AND updated_at >= statement_timestamp()", " AND deleted_at >= statement_timestamp()"], out)?;
    out.push_sql("))");
    Ok(())
}

/// The position of the user's last change: the end of each index. Null if there was none.
pub(super) fn push_last_position<'b>(owner: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql("greatest(");
    push_last(owner, ["", ""], out)?;
    out.push_sql(")");
    Ok(())
}

/// The last change and the last deletion, under these conditions. `max()` would be the same with twice the plan.
fn push_last<'b>(owner: &'b str, conditions: [&str; 2], out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    let [changed, deleted] = conditions;
    out.push_sql("(SELECT updated_at FROM tasks WHERE user_id = ");
    push_user(owner, out)?;
    out.push_sql(changed);
    out.push_sql(" ORDER BY updated_at DESC LIMIT 1), (SELECT deleted_at FROM deleted_tasks WHERE user_id = ");
    push_user(owner, out)?;
    out.push_sql(deleted);
    out.push_sql(" ORDER BY deleted_at DESC LIMIT 1)");
    Ok(())
}
