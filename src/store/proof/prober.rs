//! Makes the proof of isolation on a connection of its own: a busy server is not an unready one.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use super::isolation::{self, Coverage};
use crate::{
    error::{Error, Result},
    store::{
        connection::{
            Connection,
            advice::{explain, explained},
            connect::{Connector, failure},
        },
        pool::{Lease, Pool},
        transaction::cancellation::FinishOnDrop,
    },
};

/// Proves one at a time.
pub(in crate::store) struct Prober {
    pool: Pool,
    /// Kept from one proof to the next.
    connection: Arc<Mutex<Kept>>,
}

/// A connection and the schema of the tables.
type Kept = Option<(Connection, Arc<str>)>;

impl Prober {
    pub(in crate::store) fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), connection: Arc::default() }
    }

    /// Fails with what to fix. A caller who goes away leaves nothing half done.
    pub(in crate::store) async fn prove(&self) -> Result<Coverage> {
        let limit = self.pool.statement_timeout();
        if self.pool.connector().has_one_backend() {
            return FinishOnDrop::new(Box::pin(prove_on_lease(self.pool.lease().await?, limit))).await;
        }
        let kept = Arc::clone(&self.connection).lock_owned().await;
        FinishOnDrop::new(Box::pin(prove_apart(kept, Arc::clone(self.pool.connector()), limit))).await
    }
}

async fn prove_on_lease(mut lease: Lease, limit: Duration) -> Result<Coverage> {
    let schema = lease.schema();
    let prove = async |connection: &Connection| isolation::prove(connection, &schema, false).await;
    judge(lease.run(limit, prove).await?)
}

/// On the connection that is kept, if that succeeds, else on a new one: the old one may be dead, or lead to a primary
/// that became a standby.
async fn prove_apart(mut kept: OwnedMutexGuard<Kept>, connector: Arc<Connector>, limit: Duration) -> Result<Coverage> {
    if let Some((connection, schema)) = kept.take()
        && let Ok(Ok(coverage)) = within(limit, &connection, &schema, connector.is_distributed()).await
    {
        *kept = Some((connection, schema));
        return Ok(coverage);
    }
    let (connection, schema) = connector.connect_to_schema().await.map_err(failure)?;
    let coverage = judge(within(limit, &connection, &schema, connector.is_distributed()).await?)?;
    *kept = Some((connection, schema));
    Ok(coverage)
}

/// The inner error is what to fix.
async fn within(
    limit: Duration,
    connection: &Connection,
    schema: &str,
    is_distributed: bool,
) -> Result<Result<Coverage, String>> {
    timeout(limit, isolation::prove(connection, schema, is_distributed))
        .await
        .map_err(Error::unavailable)?
        .map_err(|error| failure(explain(&error.to_string())))
}

/// A pooler that mixes up statements can make any of them fail.
fn judge(proof: Result<Coverage, String>) -> Result<Coverage> {
    let advise = |flaw: String| explained(&flaw).unwrap_or_else(|| format!("user isolation can't be proved: {flaw}"));
    proof.map_err(|flaw| Error::internal(advise(flaw)))
}
