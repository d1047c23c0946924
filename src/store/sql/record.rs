//! What a write leaves behind besides its rows, in the same statement: tombstones of what it deleted, and its outcome beside
//! its idempotency key.

use std::marker::PhantomData;

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

use super::{
    claim::{Claim, push_key},
    owner::push_user,
    position::NOW,
    statement::Answer,
};

/// What becomes of the rows that a write returns.
#[derive(Clone, Copy)]
pub(in crate::store) struct Outcome<'a> {
    pub(in crate::store) answer: Answer,
    /// Whose tasks they were, if they are deleted ones.
    pub(in crate::store) deleted_from: Option<&'a str>,
    pub(in crate::store) claim: Option<&'a Claim>,
}

/// A write with its outcome.
pub(in crate::store) struct Recorded<'a, Q> {
    write: Q,
    outcome: Outcome<'a>,
}

impl<'a, Q> Recorded<'a, Q> {
    pub(in crate::store) fn new(write: Q, outcome: Outcome<'a>) -> Self {
        Self { write, outcome }
    }
}

impl<Q: Query> Query for Recorded<'_, Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Recorded<'_, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Outcome { answer, deleted_from, claim } = self.outcome;
        if claim.is_none() && deleted_from.is_none() && answer == Answer::Rows {
            return self.write.walk_ast(out);
        }
        out.push_sql("WITH done AS (");
        self.write.walk_ast(out.reborrow())?;
        out.push_sql(")");
        if let Some(owner) = deleted_from {
            push_tombstones(owner, &mut out)?;
        }
        if let Some(claim) = claim {
            push_outcome(claim, answer, &mut out)?;
        }
        out.push_sql(match answer {
            Answer::Rows => " SELECT * FROM done",
            Answer::Tombstones => " SELECT * FROM buried",
            Answer::Count => " SELECT count(*) FROM done",
        });
        Ok(())
    }
}

/// Leaves a tombstone of each task that the write returns, by its id and version. Its position is the column's default.
fn push_tombstones<'b>(owner: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql(", buried AS (INSERT INTO deleted_tasks (user_id, deleted_at, id, version) SELECT ");
    push_user(owner, out)?;
    out.push_sql(", ");
    out.push_sql(NOW);
    out.push_sql(", id, version + 1 FROM done RETURNING id, version, position, deleted_at)");
    Ok(())
}

/// Stores the answer. A write that found nothing to change releases its key instead: a retry may find it.
fn push_outcome<'b>(claim: &'b Claim, answer: Answer, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql(", recorded AS (UPDATE idempotency_keys SET outcome = (SELECT ");
    out.push_sql(match answer {
        Answer::Rows => "jsonb_agg(to_jsonb(done)) FROM done",
        Answer::Tombstones => "jsonb_agg(to_jsonb(buried)) FROM buried",
        Answer::Count => "jsonb_build_array(count(*)) FROM done",
    });
    out.push_sql(") WHERE ");
    push_key(claim, out)?;
    if answer != Answer::Count {
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

/// A write whose outcome is read as another type than the rows that it returns.
pub(in crate::store) struct ReadAs<ST, Q>(Q, PhantomData<ST>);

impl<ST, Q> ReadAs<ST, Q> {
    pub(in crate::store) fn new(write: Q) -> Self {
        Self(write, PhantomData)
    }
}

impl<ST, Q: Query> Query for ReadAs<ST, Q> {
    type SqlType = ST;
}

impl<ST, Q: QueryFragment<Pg>> QueryFragment<Pg> for ReadAs<ST, Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

/// Told apart by its SQL.
impl<ST, Q> QueryId for ReadAs<ST, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
