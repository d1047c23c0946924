//! The pool of connections, and how a transaction gets one of them.

mod admission;
mod manager;
mod quota;

use std::{
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
use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};
use tokio_postgres::CancelToken;

pub(super) use self::{
    admission::Access,
    quota::{Count, Look, Quota},
};
use self::{
    admission::{Admission, Permit, acquire},
    manager::{LastFailure, Manager},
};
use super::{
    DbConfig,
    connection::{Connection, connect::Connector},
};
use crate::{
    error::{Error, Result},
    telemetry::{self, Limit, PoolUsage},
};

/// How long a connection is kept without use: shorter than the patience of common balancers and NATs.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// How long anything may take before the server serves: a machine that starts many things at once is slow.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How often all connections are replaced at most because of a statement that failed for no known reason.
const MIN_TRUST: Duration = Duration::from_secs(1);

/// A cause of errors.
pub(super) const TOO_LATE: &str = "the database did not answer in time";

/// Connections to one database, as one request sees them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool {
    shared: Arc<Shared>,
    /// How many transactions of this request run at once.
    turns: Arc<Semaphore>,
    checkout_timeout: Duration,
    statement_timeout: Duration,
}

/// What all requests have in common.
struct Shared {
    connections: bb8::Pool<Manager>,
    connector: Arc<Connector>,
    last_failure: LastFailure,
    generation: Arc<AtomicU64>,
    /// When connections were distrusted last.
    distrusted: Mutex<Option<Instant>>,
    admission: Arc<Admission>,
    statement_timeout_setting: String,
    on_write: OnceLock<Arc<WriteListener>>,
    quota: Quota,
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
    connection: bb8::PooledConnection<'static, Manager>,
    _permit: Permit,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// Does work within a limit; nothing comes of what takes longer.
    pub(super) async fn limit<T>(&mut self, limit: Duration, work: impl AsyncFnOnce(&Connection) -> T) -> Option<T> {
        self.connection.limit(limit, work).await
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

    /// Keeps the connection from being used again: it will be closed, which ends whatever it was doing.
    pub(super) fn mark_broken(&mut self) {
        self.connection.is_broken = true;
    }

    /// What asks the server to give up what this connection is doing.
    pub(super) fn cancel_token(&self) -> Arc<CancelToken> {
        self.connection.connection.cancel_token()
    }

    /// The schema of the tables, quoted.
    pub(super) fn schema(&self) -> Arc<str> {
        Arc::clone(&self.connection.schema)
    }
}

impl Pool {
    pub(super) async fn open(config: &DbConfig) -> Result<Self> {
        let connector = Connector::new(config).map_err(Error::internal)?;
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
        let admission = Arc::new(Admission::new(config.pool_size, config.transactions_per_user));
        let turns = admission.of_request();
        let shared = Arc::new(Shared {
            connections,
            connector,
            last_failure,
            generation,
            distrusted: Mutex::default(),
            admission,
            statement_timeout_setting: config.statement_timeout.as_millis().to_string(),
            on_write: OnceLock::new(),
            quota: Quota::new(config.max_tasks_per_user),
            slow_query: config.slow_query,
            size: config.pool_size,
            waiting: AtomicU32::new(0),
        });
        let (checkout_timeout, statement_timeout) = (config.checkout_timeout, config.statement_timeout);
        Ok(Self { shared, turns, checkout_timeout, statement_timeout })
    }

    /// The same connections, for another request.
    pub(super) fn for_request(&self) -> Self {
        Self { turns: self.shared.admission.of_request(), ..self.clone() }
    }

    /// The same connections, for a server that is starting.
    pub(super) fn for_start(&self) -> Self {
        let at_least = |limit: Duration| limit.max(START_LIMIT);
        let (checkout_timeout, statement_timeout) = (at_least(self.checkout_timeout), at_least(self.statement_timeout));
        Self { checkout_timeout, statement_timeout, ..self.for_request() }
    }

    pub(super) fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    /// The same, as the setting of the server.
    pub(super) fn statement_timeout_setting(&self) -> &str {
        &self.shared.statement_timeout_setting
    }

    /// Only the first listener is kept.
    pub(super) fn on_write(&self, listener: Arc<WriteListener>) {
        let _ = self.shared.on_write.set(listener);
    }

    /// Tells the listener that this user has written, perhaps.
    pub(super) fn wrote(&self, user: &str) {
        if let Some(listener) = self.shared.on_write.get() {
            listener(user);
        }
    }

    /// How many tasks users may have.
    pub(super) fn quota(&self) -> &Quota {
        &self.shared.quota
    }

    pub(super) fn slow_query(&self) -> Duration {
        self.shared.slow_query
    }

    /// How the connections are used right now.
    pub(super) fn usage(&self) -> PoolUsage {
        let bb8::State { connections, idle_connections: idle, .. } = self.shared.connections.state();
        let waiting = self.shared.waiting.load(Ordering::Relaxed);
        PoolUsage { max: self.shared.size, in_use: connections.saturating_sub(idle), idle, waiting }
    }

    pub(super) fn connector(&self) -> &Arc<Connector> {
        &self.shared.connector
    }

    /// A connection for a transaction of a user. Only the wait for others is limited: how long the request's own transactions
    /// take is its own affair.
    pub(super) async fn lease_for(&self, user: &Arc<str>, access: Access) -> Result<Lease> {
        let turn = acquire(&self.turns).await;
        let lease = || async move { self.lease_with(self.shared.admission.admit_user(user, access).await, turn).await };
        self.in_time(lease).await
    }

    /// A connection for work that is no user's.
    pub(super) async fn lease(&self) -> Result<Lease> {
        self.in_time(|| async { self.lease_with(self.shared.admission.admit_server().await, None).await }).await
    }

    /// Takes a closure because an async fn stores a future argument twice. Most have no need to wait, nor of a timer.
    async fn in_time<F: Future<Output = Result<Lease>>>(&self, lease: impl FnOnce() -> F) -> Result<Lease> {
        let started = Instant::now();
        let mut lease = pin!(lease());
        let lease = match lease.as_mut().now_or_never() {
            Some(lease) => Ok(lease),
            None => {
                let _waiting = Waiting::new(&self.shared.waiting);
                timeout(self.checkout_timeout, lease).await
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
    async fn lease_with(&self, permit: Permit, turn: Option<OwnedSemaphorePermit>) -> Result<Lease> {
        let connection = loop {
            let mut connection = self.shared.connections.get_owned().await.map_err(|error| self.unavailable(error))?;
            if connection.generation != self.shared.generation.load(Ordering::Relaxed) {
                connection.is_broken = true;
            }
            if !connection.is_broken() {
                break connection;
            }
        };
        Ok(Lease { connection, _permit: permit, _turn: turn })
    }

    /// Replaces all connections before their next use, as this one has shown that the others lead to the same dead end: a
    /// primary that became a standby, or a network that has forgotten them. Only the first of them has that effect.
    pub(super) fn retire(&self, lease: &mut Lease) {
        lease.mark_broken();
        let known = lease.connection.generation;
        let _ = self.shared.generation.compare_exchange(known, known + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// After a statement failed for no known reason: a migration may have changed what it returns, which PostgreSQL refuses
    /// on each connection that has prepared it ("cached plan must not change result type"). So all of them are replaced, but
    /// not all the time, in case that it fails for another reason.
    pub(super) fn distrust(&self, lease: &mut Lease) {
        lease.mark_broken();
        let mut last = self.shared.distrusted.lock();
        if last.is_none_or(|last| last.elapsed() >= MIN_TRUST) {
            *last = Some(Instant::now());
            self.retire(lease);
        }
    }

    /// Waits until no connection is leased, or until the deadline.
    pub(super) async fn drain(&self, deadline: Instant) {
        let is_idle = || {
            let bb8::State { connections, idle_connections, .. } = self.shared.connections.state();
            connections == idle_connections
        };
        while !is_idle() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn unavailable(&self, error: RunError<ConnectionError>) -> Error {
        match (error, self.shared.last_failure.get()) {
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
