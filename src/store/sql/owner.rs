//! The rows of a user, as the query builder names them: those with the user's id, as long as the transaction has become the
//! API role; else none. Statements that are written as SQL name both themselves.
//!
//! Statements are sent before it is known whether BEGIN and the switch in front of them succeeded. Behind a BEGIN that
//! failed they would run on their own, as the login.
//!
//! The role is a condition of its own, and not a part of the id: a distributed database finds the shard by an id that is a
//! plain value.

use diesel::{
    QueryResult,
    expression::{AppearsOnTable, ValidGrouping},
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{Bool, Text},
};

/// Whether a row belongs to this user.
#[derive(Clone, Copy, ValidGrouping)]
pub(in crate::store) struct OwnedBy<'a>(pub(in crate::store) &'a str);

impl QueryFragment<Pg> for OwnedBy<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(user_id = ");
        out.push_bind_param::<Text, str>(self.0)?;
        out.push_sql(" AND current_user = 'tandem_api')");
        Ok(())
    }
}

impl Expression for OwnedBy<'_> {
    type SqlType = Bool;
}

impl<Table> AppearsOnTable<Table> for OwnedBy<'_> {}

impl QueryId for OwnedBy<'_> {
    type QueryId = OwnedBy<'static>;
}
