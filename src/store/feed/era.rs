//! A new era voids all cursors of the change feed: for when rows were changed by other means than this server, as when a
//! backup was restored.

use uuid::Uuid;

use crate::{
    error::{Error, Result},
    store::DbConfig,
};

/// Starts a new era of the change feed: all clients start over. Needs the rights of the owner of the tables.
pub async fn reset_feed(config: &DbConfig) -> Result<()> {
    let connector = config.connector().map_err(Error::internal)?;
    let connection = connector.connect().await.map_err(Error::unavailable)?;
    // Nothing is prepared, so nothing is left to be closed when the embedded database is.
    let statements = format!("DELETE FROM feed_era; INSERT INTO feed_era (era) VALUES ({})", random_era());
    connection.run(|connection| connection.batch_execute(&statements)).await.map_err(Error::internal)
}

/// Not the next number: the era after a backup could be that of a database restored from it before.
fn random_era() -> i32 {
    let (random, ..) = Uuid::new_v4().as_fields();
    i32::try_from(random >> 1).unwrap_or_default()
}
