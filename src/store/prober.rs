//! Makes the proof of isolation on a connection of its own: a busy server is not an unready one.

use std::{sync::Arc, time::Duration};

use diesel::QueryResult;
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use super::{
    cancellation::FinishOnDrop,
    connect::Connector,
    connection::Connection,
    isolation,
    pool::{Lease, Pool},
};
use crate::error::{Error, Result};

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Prober {
    pool: Pool,
    /// Kept from one proof to the next.
    connection: Arc<Mutex<Kept>>,
}

/// A connection and the schema of the tables.
type Kept = Option<(Connection, Arc<str>)>;

impl Prober {
    pub(super) fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), connection: Arc::default() }
    }

    /// Fails with what to fix. A caller who goes away leaves nothing half done.
    pub(super) async fn prove(&self) -> Result<()> {
        let limit = self.pool.statement_timeout();
        if self.pool.connector().has_one_backend() {
            return FinishOnDrop::new(prove_on_lease(self.pool.lease().await?, limit)).await;
        }
        let kept = Arc::clone(&self.connection).lock_owned().await;
        FinishOnDrop::new(prove_apart(kept, Arc::clone(self.pool.connector()), limit)).await
    }
}

async fn prove_on_lease(mut lease: Lease, limit: Duration) -> Result<()> {
    let found = within(limit, isolation::flaw(lease.connection(), lease.schema())).await;
    if found.is_err() {
        lease.spoil();
    }
    judge(found?)
}

/// On the connection that is kept, if that succeeds, else on a new one: the old one may be dead, or lead to a primary
/// that became a standby.
async fn prove_apart(mut kept: OwnedMutexGuard<Kept>, connector: Arc<Connector>, limit: Duration) -> Result<()> {
    if let Some((connection, schema)) = kept.take()
        && let Ok(None) = within(limit, isolation::flaw(&connection, &schema)).await
    {
        *kept = Some((connection, schema));
        return Ok(());
    }
    let (connection, schema) = connector.connect_to_schema().await.map_err(Error::unavailable)?;
    judge(within(limit, isolation::flaw(&connection, &schema)).await?)?;
    *kept = Some((connection, schema));
    Ok(())
}

async fn within(limit: Duration, proof: impl Future<Output = QueryResult<Option<String>>>) -> Result<Option<String>> {
    timeout(limit, proof).await.map_err(Error::unavailable)?.map_err(Error::unavailable)
}

fn judge(flaw: Option<String>) -> Result<()> {
    let unproved = |flaw| Err(Error::internal(format!("user isolation can't be proved: {flaw}")));
    flaw.map_or(Ok(()), unproved)
}
