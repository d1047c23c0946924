//! The isolated data path: whatever is done for a user is one transaction in one network round trip.
//!
//! Four statements go out together: `BEGIN`, the switch to the API role and the user, the work, `COMMIT`. Work can be
//! more than one statement: a write under an idempotency key has two more in front of it.
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
use futures::{FutureExt, future::BoxFuture};
use tokio::time::{Instant, timeout};

use super::{
    cancellation::{CancelOnDrop, FinishOnDrop, Settled},
    pool::{Lease, Pool},
    statement::{Operation, Statement},
};
use crate::error::{Error, Result};

/// How much longer than the server's own limit we wait for its answer.
const GRACE: Duration = Duration::from_millis(500);

/// What a transaction does for its user.
pub(super) trait Work: Send + Sync + 'static {
    type Output: Send + 'static;

    /// Builds the statements. They are sent, in order, when the future is polled first.
    fn send<'c>(&self, owner: &str, connection: &'c AsyncPgConnection) -> BoxFuture<'c, QueryResult<Self::Output>>;
}

impl<O: Operation> Work for O {
    type Output = Vec<O::Row>;

    fn send<'c>(&self, owner: &str, connection: &'c AsyncPgConnection) -> BoxFuture<'c, QueryResult<Self::Output>> {
        self.statement(owner).rows(connection)
    }
}

/// Two operations in one transaction, the second one only if it is wanted.
impl<A: Operation, B: Operation> Work for (A, Option<B>) {
    type Output = (Vec<A::Row>, Option<Vec<B::Row>>);

    fn send<'c>(&self, owner: &str, connection: &'c AsyncPgConnection) -> BoxFuture<'c, QueryResult<Self::Output>> {
        let (first, second) = self;
        let first = first.statement(owner).rows(connection);
        let Some(second) = second else { return first.map(|rows| Ok((rows?, None))).boxed() };
        let second = second.statement(owner).rows(connection);
        async move {
            let (first, second) = futures::join!(first, second);
            Ok((first?, Some(second?)))
        }
        .boxed()
    }
}

impl Pool {
    /// Reads for a user. Retried once on a fresh connection if the first one turns out to be dead.
    pub(super) async fn read<W: Work>(&self, user: &Arc<str>, work: Arc<W>) -> Result<W::Output> {
        match self.run(Access::ReadOnly, user, Arc::clone(&work)).await {
            Err(Failure::ConnectionLost(_)) => Ok(self.run(Access::ReadOnly, user, work).await?),
            done => Ok(done?),
        }
    }

    /// Changes something for a user. Never retried: when the connection dies, whether the server got as far as the commit
    /// is unknown.
    pub(super) async fn change<W: Work>(&self, user: &Arc<str>, work: Arc<W>) -> Result<W::Output> {
        Ok(self.run(Access::ReadWrite, user, work).await?)
    }

    /// A caller who goes away leaves nothing half done: a write under way is finished without it, a read is cancelled.
    async fn run<W: Work>(&self, access: Access, user: &Arc<str>, work: Arc<W>) -> Result<W::Output, Failure> {
        let lease = self.lease().await.map_err(Failure::Other)?;
        let settled = Settled::default();
        let token = lease.connection().cancel_token();
        let limit = self.statement_timeout();
        let transaction = transact(lease, access, Arc::clone(user), work, limit, settled.clone());
        let mut transaction = FinishOnDrop::new(transaction);
        if access == Access::ReadWrite || !self.connector().can_cancel() {
            return transaction.await;
        }
        let cancel = CancelOnDrop::new(Arc::clone(self.connector()), token, settled);
        let done = (&mut transaction).await;
        cancel.disarm();
        done
    }
}

async fn transact<W: Work>(
    mut lease: Lease,
    access: Access,
    user: Arc<str>,
    work: Arc<W>,
    statement_timeout: Duration,
    settled: Settled,
) -> Result<W::Output, Failure> {
    let started = Instant::now();
    let answers = timeout(statement_timeout + GRACE, pipeline(lease.connection(), access, &user, &*work)).await;
    let Ok(answers) = answers else {
        lease.spoil();
        return Err(Failure::Other(Error::unavailable("the database did not answer in time")));
    };
    // Without a COMMIT that went through, the connection may still be inside the transaction; and a request to cancel
    // that is under way may arrive only now.
    if answers.commit.is_err() || !settled.settle() {
        lease.spoil();
    }
    answers.judge().map_err(|error| classify(error, started.elapsed() >= statement_timeout))
}

/// Sends all statements at once and awaits all of them, whatever becomes of each: the COMMIT must be answered.
async fn pipeline<W: Work>(connection: &AsyncPgConnection, access: Access, user: &str, work: &W) -> Answers<W::Output> {
    let (begin, switch, result, commit) = futures::join!(
        access.begin(connection),
        ActAs { user }.execute(&mut &*connection),
        work.send(user, connection),
        Commit.execute(&mut &*connection),
    );
    Answers { begin, switch, result, commit }
}

/// What became of each statement.
struct Answers<T> {
    begin: QueryResult<usize>,
    switch: QueryResult<usize>,
    result: QueryResult<T>,
    commit: QueryResult<usize>,
}

impl<T> Answers<T> {
    /// The first failure in the order they were sent is the cause of those behind it; but a lost connection is
    /// the cause of whatever else went wrong. A query that failed has turned the COMMIT into a rollback.
    fn judge(self) -> QueryResult<T> {
        let commit = match self.commit {
            Err(error) if is_connection_lost(&error) => return Err(error),
            commit => commit,
        };
        self.begin?;
        self.switch?;
        let result = self.result?;
        commit?;
        Ok(result)
    }
}

/// A failure, and whether trying again on another connection could help.
enum Failure {
    ConnectionLost(Error),
    Other(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::ConnectionLost(error) | Failure::Other(error) => error,
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

/// What the transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    ReadOnly,
    ReadWrite,
}

impl Access {
    fn begin(self, connection: &AsyncPgConnection) -> BoxFuture<'_, QueryResult<usize>> {
        match self {
            Self::ReadOnly => BeginReadOnly.execute(&mut &*connection),
            Self::ReadWrite => BeginReadWrite.execute(&mut &*connection),
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
struct ActAs<'a> {
    user: &'a str,
}

impl QueryId for ActAs<'_> {
    type QueryId = ActAs<'static>;
}

impl QueryFragment<Pg> for ActAs<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT set_config('role', 'tandem_api', true), set_config('app.user_id', ");
        out.push_bind_param::<Text, str>(self.user)?;
        out.push_sql(", true)");
        Ok(())
    }
}
