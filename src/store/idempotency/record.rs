//! Writes that record their outcome beside their idempotency key, in the same statement.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

use super::{Claim, claim::push_key};
use crate::store::statement::Answer;

/// A write with its answer, which is also stored if a key was claimed.
pub(in crate::store) struct Recorded<'a, Q> {
    write: Q,
    answer: Answer,
    claim: Option<&'a Claim>,
}

impl<'a, Q> Recorded<'a, Q> {
    pub(in crate::store) fn new(write: Q, answer: Answer, claim: Option<&'a Claim>) -> Self {
        Self { write, answer, claim }
    }
}

impl<Q: Query> Query for Recorded<'_, Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Recorded<'_, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.claim.is_none() && self.answer == Answer::Rows {
            return self.write.walk_ast(out);
        }
        out.push_sql("WITH done AS (");
        self.write.walk_ast(out.reborrow())?;
        out.push_sql(")");
        if let Some(claim) = self.claim {
            push_outcome(claim, self.answer, &mut out)?;
        }
        out.push_sql(match self.answer {
            Answer::Rows => " SELECT * FROM done",
            Answer::Count => " SELECT count(*) FROM done",
        });
        Ok(())
    }
}

/// Stores the answer. A write that found nothing to change releases its key instead: a retry may find it.
fn push_outcome<'b>(claim: &'b Claim, answer: Answer, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql(", recorded AS (UPDATE idempotency_keys SET outcome = (SELECT ");
    out.push_sql(match answer {
        Answer::Rows => "jsonb_agg(to_jsonb(done))",
        Answer::Count => "jsonb_build_array(count(*))",
    });
    out.push_sql(" FROM done) WHERE ");
    push_key(claim, out)?;
    if answer == Answer::Rows {
        out.push_sql(" AND EXISTS (SELECT FROM done)), released AS (DELETE FROM idempotency_keys WHERE ");
        push_key(claim, out)?;
        out.push_sql(" AND NOT EXISTS (SELECT FROM done)");
    }
    out.push_sql(")");
    Ok(())
}

/// Told apart by its SQL.
impl<Q> QueryId for Recorded<'_, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
