//! The only way in to the store.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::TimeDelta;
use tokio::time::Instant;

use super::{
    DbConfig, UserTasks,
    connection::connect::failure,
    feed::{FeedWatcher, Head, WatchedFeed},
    pool,
    proof::{isolation::Coverage, pooler, prober},
    upkeep::sweep::Sweeper,
};
use crate::{auth::CurrentUser, error::Result, telemetry};

/// The database: a pool of connections that only this module reaches. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pool: pool::Pool,
    prober: prober::Prober,
    /// How many nodes of a distributed database did not answer the last proof.
    nodes_away: AtomicUsize,
    /// How long what a deleted task said is kept.
    trash_lifetime: TimeDelta,
}

impl Db {
    /// A pool on a migrated database. Connections are made when they are needed.
    pub async fn open(config: &DbConfig) -> Result<Self> {
        let pool = pool::Pool::open(config).await?;
        let prober = prober::Prober::new(&pool);
        Ok(Self(Arc::new(Inner {
            pool,
            prober,
            nodes_away: AtomicUsize::new(0),
            trash_lifetime: config.trash_lifetime,
        })))
    }

    /// The tasks of one user, and of no other, for one request.
    #[must_use]
    pub fn tasks(&self, user: CurrentUser) -> UserTasks {
        UserTasks::new(self.0.pool.for_request(), user, self.0.trash_lifetime)
    }

    /// Calls this with the user after each transaction that writes, whatever became of it. Only the first one that is given.
    pub fn on_write(&self, listener: Arc<dyn Fn(&str) + Send + Sync>) {
        self.0.pool.on_write(listener);
    }

    /// Whether other servers may write to this database.
    #[must_use]
    pub fn has_other_writers(&self) -> bool {
        !self.0.pool.connector().has_one_backend()
    }

    /// Of these feeds, the heads that are not as known. One without a last change says that nothing is there that is as late
    /// as the known one.
    pub async fn moved_heads(&self, watched: &[WatchedFeed]) -> Result<Vec<(Arc<str>, Head)>> {
        FeedWatcher::new(&self.0.pool).moved(watched).await
    }

    /// The next users behind this one who have anything, in the order of their ids; none at the end.
    pub async fn users_after(&self, user: &str) -> Result<Vec<String>> {
        FeedWatcher::new(&self.0.pool).users_after(user).await
    }

    /// Fails if a pooler in front of the database mixes up prepared statements, and is unavailable where this can't be found
    /// out; the error's cause says what to change.
    pub async fn check_pooler(&self) -> Result<()> {
        pooler::check(self.0.pool.connector()).await.map_err(failure)
    }

    /// Proves that this database keeps users apart; the error's cause says what to fix.
    pub async fn prove_isolation(&self) -> Result<Coverage> {
        let coverage = self.0.prober.prove().await?;
        self.note(&coverage);
        Ok(coverage)
    }

    /// The same before the server serves, with more patience.
    pub async fn prove_isolation_at_start(&self) -> Result<Coverage> {
        let coverage = prober::Prober::new(&self.0.pool.for_start()).prove().await?;
        self.note(&coverage);
        Ok(coverage)
    }

    fn note(&self, coverage: &Coverage) {
        self.0.nodes_away.store(coverage.away().len(), Ordering::Relaxed);
    }

    /// Sets the metrics of the connections to what they are now.
    pub(crate) fn report_usage(&self) {
        telemetry::pool_used(self.0.pool.usage());
        telemetry::nodes_away(self.0.nodes_away.load(Ordering::Relaxed));
    }

    /// Removes expired idempotency keys, tombstones and what is past its time in the trash now and then, for as long as it is
    /// polled.
    pub async fn keep_swept(&self) {
        Sweeper::new(&self.0.pool, self.0.trash_lifetime).keep_sweeping().await;
    }

    /// Removes all expired idempotency keys and tombstones, and what is past its time in the trash, and counts them.
    pub async fn sweep(&self) -> Result<usize> {
        Sweeper::new(&self.0.pool, self.0.trash_lifetime).sweep().await
    }

    /// Waits until no connection is in use, or until the deadline.
    pub async fn drain(&self, deadline: Instant) {
        self.0.pool.drain(deadline).await;
    }
}
