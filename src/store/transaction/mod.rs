//! The isolated data path: whatever is done for a user is one transaction in one network round trip.
//!
//! Four statements go out together: `BEGIN`, the switch to the API role and the user, the work, `COMMIT`. Work can be
//! more than one statement: a write under an idempotency key has two more in front of it.
//! They stay in order even when they must be prepared first, because all take the prepared-statement path:
//! diesel-async lets one of them at a time through its statement cache, first come first served, and sends it before
//! it lets the next one in.

pub(super) mod access;
pub(super) mod cancellation;
pub(super) mod idempotency;
mod quota;
mod silence;

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use diesel::{
    QueryResult,
    result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DbError},
};
use futures::{FutureExt, future::BoxFuture};
use tokio::time::{Instant, sleep};
use tracing::{Instrument, Span};

use self::{
    access::{COMMIT, Switch},
    cancellation::{CancelOnDrop, FinishOnDrop, Settled},
};
use super::{
    connection::Connection,
    distribution::is_node_away,
    pool::{Access, Lease, Pool, TOO_LATE},
    sql::statement::{Read, Sql, Statement},
};
use crate::{
    error::{Error, Result},
    telemetry::{self, TransactionOutcome, trace_span},
};

/// How much longer than the server's own limit we wait for its answer.
const GRACE: Duration = Duration::from_millis(500);
/// How long a write that lost a deadlock lets the other transaction go first: at once, it could take the same lock again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// What a transaction does for its user.
pub(super) trait Work: Send + Sync + 'static {
    /// The name of its statement, or of the first one, in logs and metrics.
    const STATEMENT: &'static str;
    type Output: Send + 'static;
    /// Whether it sends statements that depend on what the first ones are answered, and says when the COMMIT may follow.
    const IS_IN_STEPS: bool = false;

    /// Builds the statements. They are sent, in order, when the future is polled first.
    fn send<'c>(
        &'c self,
        owner: &'c str,
        connection: &'c Connection,
        commit: &'c CommitGate,
    ) -> BoxFuture<'c, QueryResult<Self::Output>>;
}

/// Holds back the COMMIT of work in steps. It is opened while that work is polled, and the COMMIT is polled after it, so there is
/// nobody to wake.
pub(super) struct CommitGate(AtomicBool);

impl CommitGate {
    /// Everything before the COMMIT was sent.
    pub(super) fn open(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    async fn pass(&self) {
        poll_fn(|_| if self.0.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

impl<R: Read> Work for R {
    const STATEMENT: &'static str = R::NAME;
    type Output = Vec<R::Row>;

    fn send<'c>(
        &'c self,
        owner: &'c str,
        connection: &'c Connection,
        _: &'c CommitGate,
    ) -> BoxFuture<'c, QueryResult<Self::Output>> {
        self.statement(owner).rows(connection)
    }
}

/// Two reads in one transaction, the second one only if it is wanted.
impl<A: Read, B: Read> Work for (A, Option<B>) {
    const STATEMENT: &'static str = A::NAME;
    type Output = (Vec<A::Row>, Option<Vec<B::Row>>);

    fn send<'c>(
        &'c self,
        owner: &'c str,
        connection: &'c Connection,
        _: &'c CommitGate,
    ) -> BoxFuture<'c, QueryResult<Self::Output>> {
        let (first, second) = self;
        let first = first.statement(owner).rows(connection);
        let Some(second) = second else { return first.map(|rows| Ok((rows?, None))).boxed() };
        let limit = connection.execute(access::limit_rest());
        let second = second.statement(owner).rows(connection);
        async move {
            let (first, limited, second) = futures::join!(first, limit, second);
            let first = first?;
            limited?;
            Ok((first, Some(second?)))
        }
        .boxed()
    }
}

/// Reads for a user. A read changes nothing, so whatever may go better elsewhere is tried once more.
pub(super) async fn read<W: Work>(pool: &Pool, user: &Arc<str>, work: Arc<W>) -> Result<W::Output> {
    match run(pool, Access::ReadOnly, user, Arc::clone(&work)).await {
        Err(Failure::NotDone(_) | Failure::Unclassified(_) | Failure::Unknown(_)) => {
            Ok(run(pool, Access::ReadOnly, user, work).await?)
        }
        done => Ok(done?),
    }
}

/// Changes something for a user. Tried once more only if it is certain that nothing was done; and again while another write
/// of the user is under way, which may be one whose connection has gone silent.
pub(super) async fn change<W: Work>(pool: &Pool, user: &Arc<str>, work: Arc<W>) -> Result<W::Output> {
    let started = Instant::now();
    let mut is_first = true;
    loop {
        match run(pool, Access::ReadWrite, user, Arc::clone(&work)).await {
            Err(Failure::Locked(error)) => {
                let is_free = silence::end_holder(pool, user).await;
                if !is_free && started.elapsed() >= pool.statement_timeout() {
                    return Err(error);
                }
            }
            Err(Failure::NotDone(_) | Failure::Unclassified(_)) if is_first => {
                is_first = false;
                sleep(RETRY_PAUSE).await;
            }
            done => return Ok(done?),
        }
    }
}

/// A caller who goes away leaves nothing half done: a write under way is finished without it, a read is cancelled.
///
/// Boxed, because every future around this one would be larger by it, some of them several times.
fn run<'a, W: Work>(
    pool: &'a Pool,
    access: Access,
    user: &'a Arc<str>,
    work: Arc<W>,
) -> BoxFuture<'a, Result<W::Output, Failure>> {
    async move {
        let lease = pool.lease_for(user, access).instrument(trace_span!("checkout")).await.map_err(Failure::Final)?;
        let settled = Settled::default();
        let token = lease.cancel_token();
        let transaction = transact(pool.clone(), lease, access, Arc::clone(user), work, settled.clone());
        let span = trace_span!("transaction", otel.kind = "client", db.system.name = "postgresql", ?access);
        let mut transaction = FinishOnDrop::new(Box::pin(transaction).instrument(span));
        if access == Access::ReadWrite || !pool.connector().can_cancel() {
            return transaction.await;
        }
        let cancel = CancelOnDrop::new(pool.connector(), token, settled);
        let done = (&mut transaction).await;
        cancel.disarm();
        done
    }
    .boxed()
}

async fn transact<W: Work>(
    pool: Pool,
    mut lease: Lease,
    access: Access,
    user: Arc<str>,
    work: Arc<W>,
    settled: Settled,
) -> Result<W::Output, Failure> {
    let started = Instant::now();
    let limit = pool.statement_timeout();
    let schema = lease.schema();
    let lock_timeout = silence::lock_timeout(limit);
    let switch = Switch {
        user: &user,
        statement_timeout: pool.statement_timeout_setting(),
        lock_timeout: &lock_timeout.as_millis().to_string(),
        schema: &schema,
    };
    let send = async |connection: &Connection| pipeline(connection, access, &switch, &*work).await;
    let answers = lease.limit(limit + GRACE, send).await;
    let elapsed = started.elapsed();
    if access == Access::ReadWrite {
        pool.wrote(&user);
    }
    let Some(answers) = answers else {
        telemetry::transaction_ended(W::STATEMENT, TransactionOutcome::Unknown, elapsed);
        return Err(give_up(&pool, lease));
    };
    if answers.begin.is_err() {
        pool.retire(&mut lease);
    }
    // Without a COMMIT that went through, the connection may still be inside the transaction; and a request to cancel
    // that is under way may arrive only now.
    if answers.switch.is_err() || answers.commit.is_err() || !settled.settle() {
        lease.mark_broken();
    }
    let is_locked = access == Access::ReadWrite && elapsed >= lock_timeout;
    let done = answers.judge(is_locked, elapsed >= limit);
    if let Err(Failure::Unclassified(_)) = done {
        pool.distrust(&mut lease);
    }
    telemetry::transaction_ended(W::STATEMENT, outcome(&done), elapsed);
    if elapsed >= pool.slow_query() {
        tracing::warn!(statement = W::STATEMENT, ms = elapsed.as_secs_f64() * 1000.0, "slow query");
    }
    done
}

fn outcome<T>(done: &Result<T, Failure>) -> TransactionOutcome {
    match done {
        Ok(_) => TransactionOutcome::Committed,
        Err(Failure::NotDone(_) | Failure::Unclassified(_) | Failure::Locked(_)) => TransactionOutcome::RolledBack,
        Err(Failure::Final(_)) => TransactionOutcome::Failed,
        Err(Failure::Unknown(_)) => TransactionOutcome::Unknown,
    }
}

/// The server limits itself, so no answer at all means that the connection is dead, or the server is.
fn give_up(pool: &Pool, mut lease: Lease) -> Failure {
    pool.retire(&mut lease);
    if !pool.connector().has_one_backend() {
        let pool = pool.clone();
        tokio::spawn(async move { silence::end_all(&pool).await });
    }
    Failure::Unknown(Error::unavailable(TOO_LATE))
}

/// Sends all statements at once, but for work in steps, and awaits all of them, whatever becomes of each: the COMMIT must be
/// answered.
async fn pipeline<W: Work>(
    connection: &Connection,
    access: Access,
    switch: &Switch<'_>,
    work: &W,
) -> Answers<W::Output> {
    let gate = CommitGate(AtomicBool::new(!W::IS_IN_STEPS));
    let work = async {
        let done = work.send(switch.user, connection, &gate).await;
        gate.open();
        done
    };
    let commit = async {
        gate.pass().await;
        connection.execute(Sql::new(COMMIT)).await
    };
    let (begin, switched, result, commit) = futures::join!(
        connection.execute(access.begin()).instrument(statement_span("BEGIN")),
        connection.execute(access.switch(switch)).instrument(statement_span("switch")),
        work.instrument(statement_span(W::STATEMENT)),
        commit.instrument(statement_span("COMMIT")),
    );
    Answers { begin, switch: switched, result, commit }
}

/// All of them are sent in one go, so that each takes until its answer is there.
fn statement_span(name: &'static str) -> Span {
    trace_span!("statement", otel.name = name, db.query.summary = name)
}

/// What became of each statement.
struct Answers<T> {
    begin: QueryResult<usize>,
    switch: QueryResult<usize>,
    result: QueryResult<T>,
    commit: QueryResult<usize>,
}

impl<T> Answers<T> {
    /// A COMMIT without a good answer leaves it open what was done. Otherwise the first failure in the order they were sent
    /// is the cause of those behind it, and a query that failed has turned the COMMIT into a rollback.
    fn judge(self, is_locked: bool, has_used_its_time: bool) -> Result<T, Failure> {
        self.commit.map_err(|error| Failure::Unknown(Error::unavailable(error)))?;
        // A primary that became a standby, as a rule. Nothing behind it was done: see `owner`.
        self.begin.map_err(|error| Failure::NotDone(Error::unavailable(error)))?;
        self.switch.map_err(|error| match error {
            DbError::DatabaseError(DatabaseErrorKind::Unknown, _) if is_locked => {
                Failure::Locked(Error::unavailable(error))
            }
            error => Failure::Final(Error::unavailable(error)),
        })?;
        self.result.map_err(|error| classify(error, has_used_its_time))
    }
}

/// A failure, and whether trying once more on another connection is safe.
enum Failure {
    /// Nothing was done, and it may go better next time.
    NotDone(Error),
    /// Nothing was done, for a reason that isn't known. It may be the connection: statements that it has prepared may not
    /// fit the tables any more.
    Unclassified(Error),
    /// Nothing was done, as another write of the user holds their lock.
    Locked(Error),
    /// Whether the server got as far as the commit is not known.
    Unknown(Error),
    /// It would fail again.
    Final(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotDone(error)
            | Failure::Unclassified(error)
            | Failure::Locked(error)
            | Failure::Unknown(error)
            | Failure::Final(error) => error,
        }
    }
}

/// Of a query that failed and was rolled back. diesel doesn't pass on the SQLSTATE, and messages may be translated. What
/// fails for no known reason after all of its time was cancelled for that; before, one more attempt is safe.
fn classify(error: DbError, has_used_its_time: bool) -> Failure {
    use DatabaseErrorKind::{ReadOnlyTransaction, SerializationFailure, UniqueViolation, Unknown};
    match &error {
        DbError::DatabaseError(Unknown, _) if has_used_its_time => Failure::Final(Error::unavailable(error)),
        // A unique violation: somebody who doesn't take the user's lock has made a row with this id since it was looked for.
        DbError::DatabaseError(SerializationFailure | ReadOnlyTransaction | UniqueViolation, _) => {
            Failure::NotDone(Error::unavailable(error))
        }
        DbError::DatabaseError(Unknown, cause) if is_deadlock(&**cause) || is_node_away(cause.message()) => {
            Failure::NotDone(Error::unavailable(error))
        }
        DbError::DatabaseError(Unknown, _) => Failure::Unclassified(Error::internal(error)),
        _ => Failure::Final(Error::internal(error)),
    }
}

/// The detail has a line for each transaction of the circle, with the kind of lock it waits for, like `ShareLock`: names
/// that are not translated.
fn is_deadlock(cause: &(dyn DatabaseErrorInformation + Send + Sync)) -> bool {
    let lines = || cause.details().unwrap_or_default().lines();
    lines().count() > 1 && lines().all(|line| line.contains("Lock"))
}
