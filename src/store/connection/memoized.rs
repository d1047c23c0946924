//! The SQL of statements, built once: diesel-async asks for it each time, also of a statement that is prepared.

use std::{any::TypeId, cell::RefCell, collections::HashMap};

use diesel::{
    QueryResult,
    pg::{Pg, PgQueryBuilder},
    query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId},
};

thread_local! {
    /// By the ids of queries, which diesel keeps statements prepared by: as many as there are in this program. Each thread
    /// has its own, so that none waits.
    static BUILT: RefCell<HashMap<TypeId, String>> = RefCell::default();
}

/// A statement whose SQL is remembered if its type determines it, which debug builds check each time.
pub(super) struct Memoized<Q>(pub(super) Q);

impl<Q: Query> Query for Memoized<Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Pg> + QueryId> QueryFragment<Pg> for Memoized<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn to_sql(&self, out: &mut PgQueryBuilder, backend: &Pg) -> QueryResult<()> {
        let Some(id) = Q::query_id() else { return self.0.to_sql(out, backend) };
        let is_known = BUILT.with_borrow(|built| {
            let sql = built.get(&id);
            debug_assert!(
                sql.is_none_or(|sql| Ok(sql) == build(&self.0).as_ref()),
                "SQL that its type doesn't determine"
            );
            sql.map(|sql| out.push_sql(sql)).is_some()
        });
        if !is_known {
            let sql = build(&self.0)?;
            out.push_sql(&sql);
            BUILT.with_borrow_mut(|built| built.insert(id, sql));
        }
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, backend: &Pg) -> QueryResult<bool> {
        self.0.is_safe_to_cache_prepared(backend)
    }
}

fn build(query: &dyn QueryFragment<Pg>) -> QueryResult<String> {
    let mut sql = PgQueryBuilder::default();
    query.to_sql(&mut sql, &Pg)?;
    Ok(sql.finish())
}

impl<Q: QueryId> QueryId for Memoized<Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}
