//! The pool of connections, and how a transaction gets one of them.

pub(super) mod admission;
pub(super) mod session;

use std::{
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use bb8::{QueueStrategy, RunError};
use diesel::{ConnectionError, QueryResult};
use futures::FutureExt;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout},
};

use self::{
    admission::{Admission, Admitted},
    session::{LastFailure, Manager, Session},
};
use super::{
    DbConfig,
    connection::{Connection, connect::Connector},
    transaction::access::Access,
};
use crate::{
    error::{Error, Result},
    telemetry::{self, Limit, PoolUsage},
};

/// How long a connection is kept without use: shorter than the patience of common balancers and NATs.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// How long anything may take before the server serves: a machine that starts many things at once is slow.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A cause of errors.
pub(super) const TOO_LATE: &str = "the database did not answer in time";

/// Connections to one database, as one request sees them. Cheap to clone: a clone counts references of the request, and none
/// that all requests share.
#[derive(Clone)]
pub(super) struct Pool(Arc<View>);

struct View {
    shared: Arc<Shared>,
    /// How many transactions of this request run at once.
    turns: Semaphore,
    checkout_timeout: Duration,
    statement_timeout: Duration,
}

/// What all requests have in common.
struct Shared {
    connections: bb8::Pool<Manager>,
    connector: Arc<Connector>,
    last_failure: LastFailure,
    generation: Arc<AtomicU64>,
    admission: Admission,
    statement_timeout_setting: String,
    on_write: OnceLock<Arc<WriteListener>>,
    slow_query: Duration,
    size: u32,
    /// How many transactions wait for a connection.
    waiting: AtomicU32,
}

/// Hears who wrote.
type WriteListener = dyn Fn(&str) + Send + Sync;

/// A connection that belongs to one operation until it is dropped, which gives it back.
pub(super) struct Lease {
    // Dropped in this order: who is admitted next finds a connection.
    session: bb8::PooledConnection<'static, Manager>,
    _admitted: Admitted<Pool>,
    _turn: Option<Turn>,
}

/// One of a request's turns.
struct Turn(Pool);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.turns.add_permits(1);
    }
}

impl AsRef<Admission> for Pool {
    fn as_ref(&self) -> &Admission {
        &self.0.shared.admission
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Lease {
    /// Does work within a limit; nothing comes of what takes longer. A connection whose work was not finished, because of the
    /// limit or because this future was dropped, is closed: whatever is on its way would be taken for the next work's.
    pub(super) async fn limit<T>(&mut self, limit: Duration, work: impl AsyncFnOnce(&Connection) -> T) -> Option<T> {
        let session = &mut **self.session;
        session.is_broken = true;
        let done = session.timer.limit(limit, pin!(work(&session.connection))).await;
        session.is_broken = done.is_none();
        done
    }

    /// The same for work that is no user's: a connection on which a statement failed may still be inside a transaction, so
    /// it is closed, too.
    pub(super) async fn run<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&Connection) -> QueryResult<T>,
    ) -> Result<T> {
        let done = self.limit(limit, work).await.ok_or_else(|| Error::unavailable(TOO_LATE))?;
        done.map_err(|error| {
            self.mark_broken();
            Error::unavailable(error)
        })
    }
}

impl Pool {
    pub(super) async fn open(config: &DbConfig) -> Result<Self> {
        let connector = config.connector().map_err(Error::internal)?;
        let connector = Arc::new(connector);
        let last_failure = LastFailure::default();
        let generation = Arc::new(AtomicU64::default());
        let manager = Manager {
            connector: Arc::clone(&connector),
            last_failure: last_failure.clone(),
            generation: Arc::clone(&generation),
        };
        let connections = bb8::Pool::builder()
            .max_size(config.pool_size)
            // Leases have limits of their own.
            .connection_timeout(config.checkout_timeout.max(START_LIMIT))
            // A `SELECT 1` before every use would cost a third of the throughput.
            .test_on_check_out(false)
            .idle_timeout(Some(IDLE_TIMEOUT))
            // The server's processes that worked last have what they need in the processor's caches; and those that are
            // not needed stay idle, and go.
            .queue_strategy(QueueStrategy::Lifo)
            .build(manager)
            .await
            .map_err(Error::unavailable)?;
        let admission = Admission::new(config.pool_size, config.transactions_per_user);
        let turns = admission.turns();
        let shared = Arc::new(Shared {
            connections,
            connector,
            last_failure,
            generation,
            admission,
            statement_timeout_setting: config.statement_timeout.as_millis().to_string(),
            on_write: OnceLock::new(),
            slow_query: config.slow_query,
            size: config.pool_size,
            waiting: AtomicU32::new(0),
        });
        let (checkout_timeout, statement_timeout) = (config.checkout_timeout, config.statement_timeout);
        Ok(Self(Arc::new(View { shared, turns, checkout_timeout, statement_timeout })))
    }

    /// The same connections, for another request.
    pub(super) fn for_request(&self) -> Self {
        Self(Arc::new(View { shared: Arc::clone(&self.0.shared), turns: self.0.shared.admission.turns(), ..*self.0 }))
    }

    /// The same connections, for a server that is starting.
    pub(super) fn for_start(&self) -> Self {
        let at_least = |limit: Duration| limit.max(START_LIMIT);
        let (checkout_timeout, statement_timeout) =
            (at_least(self.0.checkout_timeout), at_least(self.0.statement_timeout));
        let (shared, turns) = (Arc::clone(&self.0.shared), self.0.shared.admission.turns());
        Self(Arc::new(View { shared, turns, checkout_timeout, statement_timeout }))
    }

    pub(super) fn statement_timeout(&self) -> Duration {
        self.0.statement_timeout
    }

    /// The same, as the setting of the server.
    pub(super) fn statement_timeout_setting(&self) -> &str {
        &self.0.shared.statement_timeout_setting
    }

    /// Only the first listener is kept.
    pub(super) fn on_write(&self, listener: Arc<WriteListener>) {
        let _ = self.0.shared.on_write.set(listener);
    }

    /// Tells the listener that this user has written, perhaps.
    pub(super) fn wrote(&self, user: &str) {
        if let Some(listener) = self.0.shared.on_write.get() {
            listener(user);
        }
    }

    pub(super) fn slow_query(&self) -> Duration {
        self.0.shared.slow_query
    }

    /// How the connections are used right now.
    pub(super) fn usage(&self) -> PoolUsage {
        let bb8::State { connections, idle_connections: idle, .. } = self.0.shared.connections.state();
        let waiting = self.0.shared.waiting.load(Ordering::Relaxed);
        PoolUsage { max: self.0.shared.size, in_use: connections.saturating_sub(idle), idle, waiting }
    }

    pub(super) fn connector(&self) -> &Arc<Connector> {
        &self.0.shared.connector
    }

    /// A connection for a transaction of a user. How long the other transactions of the request take is its own affair;
    /// how long others may keep it waiting is limited.
    pub(super) async fn lease_for(&self, user: &Arc<str>, access: Access) -> Result<Lease> {
        let turn = self.turn().await;
        self.in_time(
            || async move { self.open_session(Admitted::of_user(self.clone(), user, access).await, turn).await },
        )
        .await
    }

    /// `None` only if the semaphore were closed, which none is.
    async fn turn(&self) -> Option<Turn> {
        self.0.turns.acquire().await.map(SemaphorePermit::forget).ok().map(|()| Turn(self.clone()))
    }

    /// A connection for work that is no user's.
    pub(super) async fn lease(&self) -> Result<Lease> {
        self.in_time(|| async { self.open_session(Admitted::of_server(self.clone()).await, None).await }).await
    }

    /// The future is made here: one that is handed over has its size twice. Most have no need to wait, nor of a timer.
    async fn in_time<F: Future<Output = Result<Lease>>>(&self, lease: impl FnOnce() -> F) -> Result<Lease> {
        let started = Instant::now();
        let mut lease = pin!(lease());
        let lease = match lease.as_mut().now_or_never() {
            Some(lease) => Ok(lease),
            None => {
                let _waiting = Waiting::new(&self.0.shared.waiting);
                timeout(self.0.checkout_timeout, lease).await
            }
        };
        telemetry::checked_out(started.elapsed());
        lease.unwrap_or_else(|_| {
            telemetry::limit_hit(Limit::Checkout);
            Err(self.unavailable(RunError::TimedOut))
        })
    }

    /// A connection that was alive when last heard of. Those the server has closed meanwhile, and retired ones, are
    /// dropped on the way.
    async fn open_session(&self, admitted: Admitted<Self>, turn: Option<Turn>) -> Result<Lease> {
        loop {
            let mut session = self.0.shared.connections.get_owned().await.map_err(|error| self.unavailable(error))?;
            if session.generation != self.0.shared.generation.load(Ordering::Relaxed) {
                session.mark_broken();
            }
            if !session.is_broken() {
                return Ok(Lease { session, _admitted: admitted, _turn: turn });
            }
        }
    }

    /// Replaces all connections before their next use, as this one has shown that the others lead to the same dead end: a
    /// primary that became a standby, or a network that has forgotten them. Only the first of them has that effect.
    pub(super) fn retire(&self, lease: &mut Lease) {
        lease.mark_broken();
        let next = lease.generation + 1;
        let _ = self.0.shared.generation.compare_exchange(lease.generation, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Waits until no connection is leased, or until the deadline.
    pub(super) async fn drain(&self, deadline: Instant) {
        let is_idle = || {
            let bb8::State { connections, idle_connections, .. } = self.0.shared.connections.state();
            connections == idle_connections
        };
        while !is_idle() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn unavailable(&self, error: RunError<ConnectionError>) -> Error {
        match (error, self.0.shared.last_failure.get()) {
            (RunError::User(error), _) => Error::unavailable(error),
            (RunError::TimedOut, Some(failure)) => Error::unavailable(failure),
            (RunError::TimedOut, None) => Error::unavailable("no database connection became free in time"),
        }
    }
}

/// One that waits, counted until this is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
