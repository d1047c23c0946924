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
    future::{BoxFuture, OptionFuture},
};

use super::{Work, change, read};
use crate::{
    error::{Error, Result},
    store::{
        connection::Connection,
        pool::Pool,
        sql::{
            claim::{Claim, Recall, Recorded},
            fingerprint::Fingerprint,
            statement::{Statement, Write, WriteStatement},
        },
    },
    task::IdempotencyKey,
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
    fn claim<W: Write>(&self, write: &W) -> Result<Claim> {
        Ok(Claim {
            key: Arc::clone(&self.key),
            part: self.next_part.fetch_add(1, Ordering::Relaxed),
            fingerprint: Fingerprint::of(write)?,
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
    let claim = idempotency.map(|idempotency| idempotency.claim(&write)).transpose()?;
    let keyed = Arc::new(Keyed { write, claim });
    for _ in 0..MAX_CLAIMS {
        if let Some(rows) = change(pool, owner, Arc::clone(&keyed)).await? {
            return Ok(rows);
        }
        if let (Some(idempotency), Some(claim)) = (idempotency, &keyed.claim)
            && let Some(rows) = replay::<W>(pool, owner, claim).await?
        {
            idempotency.replayed.0.store(true, Ordering::Relaxed);
            return Ok(rows);
        }
    }
    Err(Error::unavailable("an idempotency key that is neither free nor taken"))
}

/// The stored outcome; `None` if the key has become free.
async fn replay<W: Write>(pool: &Pool, owner: &Arc<str>, claim: &Claim) -> Result<Option<Vec<W::Row>>> {
    let found = read(pool, owner, Arc::new(Recall(claim.clone()))).await?;
    let Some(Recorded { fingerprint, outcome }) = found.into_iter().next() else { return Ok(None) };
    if claim.fingerprint.differs_from(&fingerprint) {
        return Err(Error::idempotency_key_reused());
    }
    serde_json::from_value(outcome.unwrap_or_default()).map(Some).map_err(Error::internal)
}

/// A write and the key it claims, if any.
struct Keyed<W> {
    write: W,
    claim: Option<Claim>,
}

impl<W: Write> Work for Keyed<W> {
    const STATEMENT: &'static str = W::NAME;
    /// `None` when the key is taken: nothing was done.
    type Output = Option<Vec<W::Row>>;

    fn send<'c>(&self, owner: &str, connection: &'c Connection) -> BoxFuture<'c, QueryResult<Self::Output>> {
        let Some(claim) = &self.claim else {
            let rows = self.write.statement(owner).rows(connection);
            let Some(first) = self.write.first(owner) else { return rows.map_ok(Some).boxed() };
            let first = connection.execute(first);
            return async move {
                let (first, rows) = futures::join!(first, rows);
                first.and(rows.map(Some))
            }
            .boxed();
        };
        let expired = connection.execute(claim.expire(owner));
        let inserted = connection.execute(claim.insert(owner));
        let (first, write) = self.write.under_key(owner);
        let first = OptionFuture::from(first.map(|first| connection.execute(first)));
        let rows = write.recorded(claim.key.as_str(), claim.part).rows(connection);
        async move {
            let (expired, inserted, first, rows) = futures::join!(expired, inserted, first, rows);
            expired?;
            match inserted {
                Err(DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
                inserted => inserted.and(first.transpose()).and(rows.map(Some)),
            }
        }
        .boxed()
    }
}
