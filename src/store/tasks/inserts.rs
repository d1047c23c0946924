//! New tasks as SQL. diesel's own INSERT takes no rows that were selected beside values, and would have a parameter for each
//! value of many rows.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};
use serde::Serialize;

use crate::store::sql::{
    owner::{IS_API, push_user},
    position::NOW,
    rows::{NewRow, NewRows, TaskColumns, TaskRow},
    schema::tasks,
    statement::{Operation, Statement, Write},
};

#[derive(Serialize)]
pub(super) struct Insert(pub(super) NewRow);

impl Operation for Insert {
    const NAME: &'static str = "insert";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        InsertFrom { owner, source: &self.0 }
    }
}

impl Write for Insert {
    const HAS_ONE_FORM: bool = true;
}

#[derive(Serialize)]
pub(super) struct InsertMany(pub(super) NewRows);

impl Operation for InsertMany {
    const NAME: &'static str = "insert_many";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        InsertFrom { owner, source: &self.0 }
    }
}

impl Write for InsertMany {
    const HAS_ONE_FORM: bool = true;
}

/// Selects the values of one row, or many rows from functions that return sets. A new task was created when it was last
/// changed. Its position is the column's default: PostgreSQL plans a SELECT that draws from a sequence apart, which takes as
/// long again as the drawing.
struct InsertFrom<'a, S> {
    owner: &'a str,
    source: &'a S,
}

impl<S: QueryFragment<Pg>> QueryFragment<Pg> for InsertFrom<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO tasks (user_id, ");
        out.push_sql(NewRow::COLUMNS);
        out.push_sql(", created_at, updated_at) SELECT ");
        push_user(self.owner, &mut out)?;
        out.push_sql(", ");
        self.source.walk_ast(out.reborrow())?;
        for time in [NOW; 2] {
            out.push_sql(", ");
            out.push_sql(time);
        }
        out.push_sql(" WHERE ");
        out.push_sql(IS_API);
        out.push_sql(" RETURNING ");
        out.push_sql(TaskColumns::SQL);
        Ok(())
    }
}

impl<S> Query for InsertFrom<'_, S> {
    type SqlType = tasks::SqlType;
}

impl<S: QueryId> QueryId for InsertFrom<'_, S> {
    type QueryId = InsertFrom<'static, S::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = S::HAS_STATIC_QUERY_ID;
}
