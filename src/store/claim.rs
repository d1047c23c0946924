//! Writes that are done once, however often they are asked for.
//!
//! In front of the write, in the same transaction and the same round trip, its key is claimed. When the key is taken
//! already, that fails, and PostgreSQL does nothing of what comes behind it: what was done under the key is looked up
//! instead. Two at the same time can't both claim it: the second one waits for the first one's commit. The write itself
//! notes its outcome beside the key. One that found nothing to change gives the key back.

use std::sync::Arc;

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::{DatabaseErrorKind, Error as DbError},
    sql_types::{Binary, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// One write under a key. As a statement it fails if the key is taken.
#[derive(Clone)]
pub(super) struct Claim {
    pub(super) user: Arc<str>,
    pub(super) key: Arc<str>,
    pub(super) part: i32,
    pub(super) fingerprint: Arc<[u8]>,
}

impl Claim {
    /// Forgets keys whose time is over, then claims this one.
    pub(super) async fn execute(&self, connection: &AsyncPgConnection) -> QueryResult<usize> {
        let (forget, insert) = (Forget(Arc::clone(&self.user)), Insert(self.clone()));
        let (forgotten, claimed) = futures::join!(async { forget.execute(&mut &*connection).await }, async {
            insert.execute(&mut &*connection).await
        },);
        forgotten?;
        claimed
    }

    /// Whether a claim failed because the key is taken.
    pub(super) fn is_taken(claimed: &QueryResult<usize>) -> bool {
        matches!(claimed, Err(DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }
}

#[derive(QueryId)]
struct Forget(Arc<str>);

impl QueryFragment<Pg> for Forget {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours' AND user_id = ");
        out.push_bind_param::<Text, str>(&self.0)
    }
}

#[derive(QueryId)]
struct Insert(Claim);

impl QueryFragment<Pg> for Insert {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO idempotency_keys (fingerprint, user_id, key, part) VALUES (");
        out.push_bind_param::<Binary, [u8]>(&self.0.fingerprint)?;
        out.push_sql(", ");
        self.0.push_place(&mut out, ", ")?;
        out.push_sql(")");
        Ok(())
    }
}

impl Claim {
    /// The values of the primary key.
    fn push_place<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, separator: &str) -> QueryResult<()> {
        out.push_bind_param::<Text, str>(&self.user)?;
        out.push_sql(separator);
        out.push_bind_param::<Text, str>(&self.key)?;
        out.push_sql(separator);
        out.push_bind_param::<Integer, i32>(&self.part)
    }
}

/// A write that returns tasks. Under a key its outcome is noted beside the key.
///
/// It is also what keeps the statement prepared. diesel takes it that there are endlessly many different UPDATEs, and
/// prepares each anew, which costs a round trip; ours come in a handful of forms.
pub(super) struct Noted<Q> {
    query: Q,
    claim: Option<Claim>,
    /// Whether it failed if it returned nothing: then the key is given back.
    needs_outcome: bool,
}

impl<Q> Noted<Q> {
    /// A write to one task, which may not be there.
    pub(super) fn one(query: Q, claim: Option<Claim>) -> Self {
        Self { query, claim, needs_outcome: true }
    }

    /// A write to as many tasks as there are.
    pub(super) fn many(query: Q, claim: Option<Claim>) -> Self {
        Self { query, claim, needs_outcome: false }
    }
}

impl<Q: Query> Query for Noted<Q> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Noted<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(claim) = &self.claim else { return self.query.walk_ast(out) };
        out.push_sql("WITH done AS (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(
            "), noted AS (UPDATE idempotency_keys \
             SET outcome = (SELECT coalesce(jsonb_agg(to_jsonb(done)), '[]') FROM done) WHERE (user_id, key, part) = (",
        );
        claim.push_place(&mut out, ", ")?;
        if self.needs_outcome {
            out.push_sql(
                ") AND EXISTS (SELECT FROM done)), given_back AS (DELETE FROM idempotency_keys \
                 WHERE NOT EXISTS (SELECT FROM done) AND (user_id, key, part) = (",
            );
            claim.push_place(&mut out, ", ")?;
        }
        out.push_sql(")) SELECT * FROM done");
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Told apart by its SQL.
impl<Q> QueryId for Noted<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
