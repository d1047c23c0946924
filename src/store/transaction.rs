//! The isolated data path: whatever is done for a user is one transaction in one network round trip.
//!
//! Four statements go out together: `BEGIN`, the switch to the API role and the user, the query, `COMMIT`. A write under
//! an idempotency key has two more, in front of the query.
//! They stay in order even when they must be prepared first, because all take the prepared-statement path:
//! diesel-async lets one of them at a time through its statement cache, first come first served, and sends it before
//! it lets the next one in.

use std::{sync::Arc, time::Duration};

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    result::{DatabaseErrorKind, Error as DbError},
    sql_types::Text,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::future::BoxFuture;
use tokio::time::{Instant, timeout};

use super::{
    cancel::{CancelOnDrop, Settled},
    claim::Claim,
    finish::Finish,
    pool::{Lease, Pool},
};
use crate::error::{Error, Result};

/// How much longer than the server's own limit we wait for its answer.
const GRACE: Duration = Duration::from_millis(500);

/// What a transaction does for its user, on the connection it is given.
pub(super) trait Work<T>:
    Fn(Arc<str>, &AsyncPgConnection) -> BoxFuture<'_, QueryResult<T>> + Send + Sync + 'static
{
}
impl<T, W> Work<T> for W where
    W: Fn(Arc<str>, &AsyncPgConnection) -> BoxFuture<'_, QueryResult<T>> + Send + Sync + 'static
{
}

impl Pool {
    /// Reads for a user. Tried once more on a fresh connection if the first one turns out to be dead.
    pub(super) async fn read<T: Send + 'static>(&self, user: &Arc<str>, work: impl Work<T>) -> Result<T> {
        let work = Arc::new(work);
        match self.run(Begin::ReadOnly, user, Arc::clone(&work)).await {
            Err(Failure::ConnectionLost(_)) => self.run(Begin::ReadOnly, user, work).await.map_err(Into::into),
            done => done.map_err(Into::into),
        }
    }

    /// Writes for a user. Never repeated: when the connection dies, whether the server got as far as the commit is unknown.
    /// `None` when the claim is for a key that is taken: nothing was done then.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        user: &Arc<str>,
        claim: Option<Claim>,
        work: impl Work<T>,
    ) -> Result<Option<T>> {
        match self.run(Begin::ReadWrite(claim), user, Arc::new(work)).await {
            Err(Failure::KeyTaken) => Ok(None),
            done => Ok(Some(done?)),
        }
    }

    /// A caller who goes away leaves nothing half done: a write under way is finished without it, a read is cancelled.
    async fn run<T: Send + 'static>(
        &self,
        begin: Begin,
        user: &Arc<str>,
        work: Arc<impl Work<T>>,
    ) -> Result<T, Failure> {
        let lease = self.lease().await.map_err(Failure::Other)?;
        let settled = Settled::default();
        let token = lease.connection().cancel_token();
        let limits = Limits { statement_timeout: self.statement_timeout(), settled: settled.clone() };
        let is_write = matches!(begin, Begin::ReadWrite(_));
        let mut transaction = Finish::new(transact(lease, begin, Arc::clone(user), work, limits));
        if is_write || !self.connector().can_cancel() {
            return transaction.await;
        }
        let cancel = CancelOnDrop::new(Arc::clone(self.connector()), token, settled);
        let done = (&mut transaction).await;
        cancel.done();
        done
    }
}

/// When a transaction is given up.
struct Limits {
    statement_timeout: Duration,
    settled: Settled,
}

async fn transact<T>(
    mut lease: Lease,
    begin: Begin,
    user: Arc<str>,
    work: Arc<impl Work<T>>,
    Limits { statement_timeout, settled }: Limits,
) -> Result<T, Failure> {
    let started = Instant::now();
    let Ok(outcome) = timeout(statement_timeout + GRACE, pipeline(lease.connection(), begin, user, &*work)).await
    else {
        lease.spoil();
        return Err(Failure::Other(Error::unavailable("the database did not answer in time")));
    };
    // Without a COMMIT that went through, the connection may still be inside the transaction; and a request to cancel
    // that is under way may arrive only now.
    if outcome.commit.is_err() || !settled.settle() {
        lease.spoil();
    }
    let judged = outcome.judge().map_err(|error| classify(error, started.elapsed() >= statement_timeout));
    judged?.ok_or(Failure::KeyTaken)
}

/// Sends the four statements at once and awaits all of them, whatever becomes of each: the COMMIT must be answered.
async fn pipeline<T>(connection: &AsyncPgConnection, begin: Begin, user: Arc<str>, work: &impl Work<T>) -> Outcome<T> {
    let act_as = ActAs { user: Arc::clone(&user) };
    let (opened, act_as, claim, result, commit) = futures::join!(
        begin.open(connection),
        async { act_as.execute(&mut &*connection).await },
        begin.claim(connection),
        work(user, connection),
        async { Commit.execute(&mut &*connection).await },
    );
    Outcome { begin: opened, act_as, claim, result, commit }
}

/// What became of each statement.
struct Outcome<T> {
    begin: QueryResult<usize>,
    act_as: QueryResult<usize>,
    claim: QueryResult<usize>,
    result: QueryResult<T>,
    commit: QueryResult<usize>,
}

impl<T> Outcome<T> {
    /// The first failure in the order they were sent is the cause of those behind it; but a lost connection is
    /// the cause of whatever else went wrong. A query that failed has turned the COMMIT into a rollback.
    /// `None` when the claim is for a key that is taken.
    fn judge(self) -> QueryResult<Option<T>> {
        let commit = match self.commit {
            Err(error) if is_connection_lost(&error) => return Err(error),
            commit => commit,
        };
        self.begin?;
        self.act_as?;
        if Claim::is_taken(&self.claim) {
            return Ok(None);
        }
        self.claim?;
        let result = self.result?;
        commit?;
        Ok(Some(result))
    }
}

/// A failure, and whether trying again on another connection could help.
enum Failure {
    ConnectionLost(Error),
    KeyTaken,
    Other(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::ConnectionLost(error) | Failure::Other(error) => error,
            Failure::KeyTaken => Error::internal("a claim where there should be none"),
        }
    }
}

/// diesel doesn't pass on the SQLSTATE: what fails for no other known reason after all of its time was cancelled for that.
fn classify(error: DbError, has_used_its_time: bool) -> Failure {
    match error {
        error if is_connection_lost(&error) => Failure::ConnectionLost(Error::unavailable(error)),
        DbError::DatabaseError(DatabaseErrorKind::Unknown, _) if has_used_its_time => {
            Failure::Other(Error::unavailable(error))
        }
        // A primary that became a standby: the next connection may find the new primary.
        DbError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => Failure::Other(Error::unavailable(error)),
        error => Failure::Other(Error::internal(error)),
    }
}

fn is_connection_lost(error: &DbError) -> bool {
    use DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
    matches!(error, DbError::DatabaseError(ClosedConnection | UnableToSendCommand, _))
}

/// Opens the transaction, and claims the key a write may be done under.
enum Begin {
    ReadOnly,
    ReadWrite(Option<Claim>),
}

impl Begin {
    async fn open(&self, connection: &AsyncPgConnection) -> QueryResult<usize> {
        match self {
            Self::ReadOnly => BeginReadOnly.execute(&mut &*connection).await,
            Self::ReadWrite(_) => BeginReadWrite.execute(&mut &*connection).await,
        }
    }

    async fn claim(&self, connection: &AsyncPgConnection) -> QueryResult<usize> {
        match self {
            Self::ReadWrite(Some(claim)) => claim.execute(connection).await,
            Self::ReadOnly | Self::ReadWrite(None) => Ok(0),
        }
    }
}

/// Statements that are always the same, with the static id that lets them be prepared once a connection.
macro_rules! statement {
    ($name:ident, $sql:literal) => {
        #[derive(QueryId)]
        struct $name;

        impl QueryFragment<Pg> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }
    };
}

statement!(BeginReadOnly, "BEGIN READ ONLY");
statement!(BeginReadWrite, "BEGIN READ WRITE");
statement!(Commit, "COMMIT");

/// Until the transaction ends, this is the API role, and speaks for this user.
struct ActAs {
    user: Arc<str>,
}

impl QueryId for ActAs {
    type QueryId = Self;
}

impl QueryFragment<Pg> for ActAs {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT set_config('role', 'tandem_api', true), set_config('app.user_id', ");
        out.push_bind_param::<Text, str>(&self.user)?;
        out.push_sql(", true)");
        Ok(())
    }
}
