//! The rows of a user, as every statement names them: those with the user's id, as long as the transaction has become the
//! API role; else none.
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

/// Whether the transaction has become the API role.
pub(in crate::store) const IS_API: &str = "current_user = 'tandem_api'";

/// Whether a row belongs to this user.
#[derive(Clone, Copy, ValidGrouping)]
pub(in crate::store) struct OwnedBy<'a>(pub(in crate::store) &'a str);

/// Writes the condition into a statement that diesel doesn't build.
pub(in crate::store) fn push_owned_by<'b>(user: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql("user_id = ");
    push_user(user, out)?;
    out.push_sql(" AND ");
    out.push_sql(IS_API);
    Ok(())
}

/// Writes the id. What is written or deleted by it needs [`IS_API`], too.
pub(in crate::store) fn push_user<'b>(user: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_bind_param::<Text, str>(user)
}

impl QueryFragment<Pg> for OwnedBy<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        push_owned_by(self.0, &mut out)?;
        out.push_sql(")");
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
