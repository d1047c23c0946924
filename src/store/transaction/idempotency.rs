//! Idempotency keys: a request that is repeated under its key gets the stored outcome of the first one, and its writes are
//! not done again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI32, Ordering},
};

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error as DbError},
};
use futures::{
    FutureExt, TryFutureExt,
    future::{BoxFuture, OptionFuture, join_all},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    CommitGate, Work, change,
    quota::{self, Looked},
    read,
};
use crate::{
    error::{Error, Result},
    store::{
        connection::Connection,
        pool::{Count, Look, Pool},
        sql::{
            claim::{Claim, Recall, Recorded},
            fingerprint::Fingerprint,
            statement::{Merge, Statement, Write, WriteStatement},
        },
    },
    task::IdempotencyKey,
    telemetry::{self, Limit},
};

/// How many writes one operation of a batch can have.
const PARTS: i32 = 10_000;
/// How often a write is tried under a key that was taken, but is free again when its outcome is read.
const MAX_CLAIMS: usize = 3;

/// A request under an idempotency key.
#[derive(Clone, Debug)]
pub struct Idempotency {
    key: Arc<IdempotencyKey>,
    next_part: Arc<AtomicI32>,
    replayed: Replayed,
}

/// Whether any part of a request was answered from a stored outcome.
#[derive(Clone, Debug, Default)]
pub struct Replayed(Arc<AtomicBool>);

impl Replayed {
    /// Whether that has happened so far.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Idempotency {
    /// The writes of one request; `replayed` tells later whether they had been done before.
    #[must_use]
    pub fn new(key: IdempotencyKey, replayed: Replayed) -> Self {
        Self { key: Arc::new(key), next_part: Arc::default(), replayed }
    }

    /// The writes of one operation of a batch. Operations run concurrently, so each numbers its own writes.
    #[must_use]
    pub fn operation(&self, index: usize) -> Self {
        let first = i32::try_from(index).unwrap_or(i32::MAX).saturating_mul(PARTS);
        Self { next_part: Arc::new(first.into()), ..self.clone() }
    }

    /// Numbers the request's next write.
    fn claim(&self, name: &str, write: &impl Serialize) -> Result<Claim> {
        Ok(Claim {
            key: Arc::clone(&self.key),
            part: self.next_part.fetch_add(1, Ordering::Relaxed),
            fingerprint: Fingerprint::of(name, write)?,
        })
    }
}

/// Runs a user's write, once per key.
pub(in crate::store) async fn write<W: Write>(
    pool: &Pool,
    owner: &Arc<str>,
    idempotency: Option<&Idempotency>,
    write: W,
) -> Result<Vec<W::Row>> {
    let claim = idempotency.map(|idempotency| idempotency.claim(W::NAME, &write)).transpose()?;
    let look = pool.quota().take(owner, write.creations());
    let claimed = idempotency.zip(claim.clone());
    once(pool, owner, claimed.as_ref(), Keyed { write, claim, look }).await?.ok_or_else(|| beyond_quota(pool))
}

/// Merges a user's change with what is there, once per key.
pub(in crate::store) async fn merge<M: Merge>(
    pool: &Pool,
    owner: &Arc<str>,
    idempotency: Option<&Idempotency>,
    merge: M,
) -> Result<Vec<M::Row>> {
    let claim = idempotency.map(|idempotency| idempotency.claim(M::NAME, &merge)).transpose()?;
    let (merge, claimed) = (Arc::new(merge), idempotency.zip(claim.clone()));
    let keyed = |is_at_quota| KeyedMerge {
        merge: Arc::clone(&merge),
        is_at_quota,
        claim: claim.clone(),
        pool: pool.clone(),
        user: Arc::clone(owner),
    };
    if let Some(rows) = once(pool, owner, claimed.as_ref(), keyed(false)).await? {
        return Ok(rows);
    }
    if !M::GOES_ON_AT_QUOTA {
        return Err(beyond_quota(pool));
    }
    telemetry::limit_hit(Limit::Tasks);
    once(pool, owner, claimed.as_ref(), keyed(true)).await?.ok_or_else(|| beyond_quota(pool))
}

/// `None` if there would be more tasks than a user may have.
async fn once<W, Row>(
    pool: &Pool,
    owner: &Arc<str>,
    claimed: Option<&(&Idempotency, Claim)>,
    work: W,
) -> Result<Option<Vec<Row>>>
where
    W: Work<Output = Written<Row>>,
    Row: DeserializeOwned,
{
    let work = Arc::new(work);
    for _ in 0..MAX_CLAIMS {
        match change(pool, owner, Arc::clone(&work)).await? {
            Written::Done(rows) => return Ok(Some(rows)),
            Written::Looked(look, count, rows) => {
                pool.quota().looked(owner, &look, count);
                return Ok(Some(rows));
            }
            Written::BeyondQuota => return Ok(None),
            Written::KeyTaken => {}
        }
        if let Some((idempotency, claim)) = claimed
            && let Some(rows) = replay(pool, owner, claim).await?
        {
            idempotency.replayed.0.store(true, Ordering::Relaxed);
            return Ok(Some(rows));
        }
    }
    Err(Error::unavailable("an idempotency key that is neither free nor taken"))
}

fn beyond_quota(pool: &Pool) -> Error {
    telemetry::limit_hit(Limit::Tasks);
    Error::quota_exceeded(pool.quota().max())
}

/// The stored outcome; `None` if the key has become free.
async fn replay<Row: DeserializeOwned>(pool: &Pool, owner: &Arc<str>, claim: &Claim) -> Result<Option<Vec<Row>>> {
    let found = read(pool, owner, Arc::new(Recall(claim.clone()))).await?;
    let Some(Recorded { fingerprint, outcome }) = found.into_iter().next() else { return Ok(None) };
    if claim.fingerprint.differs_from(&fingerprint) {
        return Err(Error::idempotency_key_reused());
    }
    serde_json::from_value(outcome.unwrap_or_default()).map(Some).map_err(Error::internal)
}

/// A write with the key it claims, if any, and a look at what it adds to, if that is due.
struct Keyed<W> {
    write: W,
    claim: Option<Claim>,
    look: Option<Look>,
}

/// What became of a write.
enum Written<Row> {
    Done(Vec<Row>),
    /// The same, after a look at how many tasks there were.
    Looked(Look, Count, Vec<Row>),
    /// Nothing was done: the key is taken.
    KeyTaken,
    /// Nothing was done: there would be more tasks than a user may have.
    BeyondQuota,
}

impl<Row> Written<Row> {
    /// A look that finds no room fails, and nothing behind it is done.
    fn new(
        look: Option<Look>,
        looked: Option<QueryResult<Vec<Looked>>>,
        rows: QueryResult<Vec<Row>>,
    ) -> QueryResult<Self> {
        match looked.transpose() {
            Err(DbError::DatabaseError(DatabaseErrorKind::CheckViolation, _)) => Ok(Self::BeyondQuota),
            looked => Ok(match (look, looked?.and_then(|mut looked| looked.pop()), rows?) {
                (Some(look), Some(looked), rows) => Self::Looked(look, looked.into(), rows),
                (.., rows) => Self::Done(rows),
            }),
        }
    }
}

impl<W: Write> Work for Keyed<W> {
    const STATEMENT: &'static str = W::NAME;
    type Output = Written<W::Row>;

    fn send<'c>(
        &'c self,
        owner: &'c str,
        connection: &'c Connection,
        _: &'c CommitGate,
    ) -> BoxFuture<'c, QueryResult<Self::Output>> {
        let look = OptionFuture::from(self.look.map(|look| look.statement(owner).rows(connection)));
        let Some(claim) = &self.claim else {
            let rows = self.write.statement(owner).rows(connection);
            let first = self.write.first(owner);
            if self.look.is_none() && first.is_none() {
                return rows.map_ok(Written::Done).boxed();
            }
            let first = OptionFuture::from(first.map(|first| connection.execute(first)));
            return async move {
                let (looked, first, rows) = futures::join!(look, first, rows);
                Written::new(self.look, looked, first.transpose().and(rows))
            }
            .boxed();
        };
        let expired = connection.execute(claim.expire(owner));
        let inserted = connection.execute(claim.insert(owner));
        let (first, write) = self.write.under_key(owner);
        let first = OptionFuture::from(first.map(|first| connection.execute(first)));
        let rows = write.recorded(W::OUTCOME, claim.key.as_str(), claim.part).rows(connection);
        async move {
            let (expired, inserted, looked, first, rows) = futures::join!(expired, inserted, look, first, rows);
            expired?;
            match inserted {
                Err(DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(Written::KeyTaken),
                inserted => inserted.and(Written::new(self.look, looked, first.transpose().and(rows))),
            }
        }
        .boxed()
    }
}

/// A change that depends on what is there, and the key it claims, if any.
struct KeyedMerge<M> {
    merge: Arc<M>,
    /// Whether it would be beyond the quota as a whole, so that the user's tasks are counted and only those are created that fit.
    is_at_quota: bool,
    claim: Option<Claim>,
    pool: Pool,
    user: Arc<str>,
}

impl<M: Merge> Work for KeyedMerge<M> {
    const STATEMENT: &'static str = M::NAME;
    type Output = Written<M::Row>;
    const IS_IN_STEPS: bool = true;

    fn send<'c>(
        &'c self,
        owner: &'c str,
        connection: &'c Connection,
        commit: &'c CommitGate,
    ) -> BoxFuture<'c, QueryResult<Self::Output>> {
        let claim = self.claim.as_ref();
        let expired = OptionFuture::from(claim.map(|claim| connection.execute(claim.expire(owner))));
        let inserted = OptionFuture::from(claim.map(|claim| connection.execute(claim.insert(owner))));
        let counted = OptionFuture::from(self.is_at_quota.then(|| quota::count(owner).rows(connection)));
        let found = self.merge.read(owner).rows(connection);
        async move {
            let (expired, inserted, counted, found) = futures::join!(expired, inserted, counted, found);
            expired.transpose()?;
            if let Some(Err(DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))) = inserted {
                return Ok(Written::KeyTaken);
            }
            inserted.transpose()?;
            let count = counted.transpose()?.and_then(|counted| counted.first().copied());
            let room = count.map_or(usize::MAX, |count| self.pool.quota().room(count));
            let (edits, rows) = self.merge.decide(owner, found?, room);
            let creations = if self.is_at_quota { 0 } else { M::creations(&edits) };
            let look = self.pool.quota().take(&self.user, creations);
            let looked = OptionFuture::from(look.map(|look| look.statement(owner).rows(connection)));
            let mut statements = M::statements(&edits, owner);
            if let Some(claim) = claim {
                let outcome = || serde_json::to_value(&rows).map_err(|error| DbError::SerializationError(error.into()));
                let is_done = !statements.is_empty();
                statements.push(if is_done { claim.record(owner, outcome()?) } else { claim.release(owner) });
            }
            // Of few futures, each is polled in order.
            let sent = join_all(statements.into_iter().map(|statement| connection.execute(statement)));
            let (looked, done, ()) = futures::join!(looked, sent, async { commit.open() });
            let done = done.into_iter().try_for_each(|done| done.map(drop));
            Written::new(look, looked, done.map(|()| rows))
        }
        .boxed()
    }
}
