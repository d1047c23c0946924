//! The owner as every statement names it: the user, as long as the transaction has become the API role; else null, which
//! equals nothing and can't be inserted.
//!
//! Statements are sent before it is known whether BEGIN and the switch in front of them succeeded. Behind a BEGIN that
//! failed they would run on their own, as the login.

use diesel::{
    QueryResult,
    expression::{AppearsOnTable, SelectableExpression, ValidGrouping},
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::Text,
};

#[derive(Clone, Copy, ValidGrouping)]
pub(super) struct Owner<'a>(pub(super) &'a str);

/// Writes the owner into a statement that diesel doesn't build.
pub(super) fn push_owner<'b>(user: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql("CASE current_user WHEN 'tandem_api' THEN ");
    out.push_bind_param::<Text, str>(user)?;
    out.push_sql(" END");
    Ok(())
}

impl QueryFragment<Pg> for Owner<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_owner(self.0, &mut out)
    }
}

impl Expression for Owner<'_> {
    type SqlType = Text;
}

impl<Table> AppearsOnTable<Table> for Owner<'_> {}
impl<Table> SelectableExpression<Table> for Owner<'_> {}

impl QueryId for Owner<'_> {
    type QueryId = Owner<'static>;
}
