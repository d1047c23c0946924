//! The owner of rows, as a condition for the query builder. Statements written as SQL repeat it: `user_id = $1 AND
//! current_user = 'tandem_api'`.
//!
//! The role is checked because statements are sent before BEGIN and the switch of role are known to have succeeded. After a
//! BEGIN that failed, they would run on their own, as the login. It is a condition of its own because Citus finds the shard
//! by an id that is a plain value.

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
