//! The place of a change in its user's feed, and its time, as SQL.
//!
//! Positions grow because of the user's lock, which every transaction that writes takes before the snapshot of its work, and
//! because of the sequence that they are drawn from behind it: it never goes back, as a clock may.

use diesel::{
    QueryResult, define_sql_function,
    expression::{AppearsOnTable, ValidGrouping},
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
};

/// The time of a change, in SQL that diesel doesn't build.
pub(in crate::store) const NOW: &str = "statement_timestamp()";

define_sql_function! {
    /// [`NOW`]: the same in all of a statement.
    fn statement_timestamp() -> Timestamptz;
}
define_sql_function! {
    /// The position of what a statement changes. New rows have one by default.
    fn tandem_position() -> BigInt;
}

/// A function in a CASE, in which a distributed database refuses stable ones, unless a SELECT has them.
#[derive(Clone, Copy, QueryId, ValidGrouping)]
pub(in crate::store) struct Selected<E>(pub(in crate::store) E);

impl<E: QueryFragment<Pg>> QueryFragment<Pg> for Selected<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT ");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl<E: Expression> Expression for Selected<E> {
    type SqlType = E::SqlType;
}

impl<E: AppearsOnTable<Table>, Table> AppearsOnTable<Table> for Selected<E> {}
