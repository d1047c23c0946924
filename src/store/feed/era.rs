//! A new era voids all cursors of the change feed: for when rows were changed by other means than this server, as when a
//! backup was restored.

use diesel::ExpressionMethods;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    store::{DbConfig, schema::feed_era},
};

/// Starts a new era of the change feed: all clients start over. Needs the rights of the owner of the tables.
pub async fn reset_feed(config: &DbConfig) -> Result<()> {
    let connector = config.connector().map_err(Error::internal)?;
    let connection = connector.connect().await.map_err(Error::unavailable)?;
    let set = diesel::update(feed_era::table).set(feed_era::era.eq(random_era()));
    match connection.execute(set).await.map_err(Error::internal)? {
        1 => Ok(()),
        count => Err(Error::internal(format!("the table feed_era has {count} rows instead of one"))),
    }
}

/// Not the next number: the era after a backup could be that of a database restored from it before.
fn random_era() -> i32 {
    let (random, ..) = Uuid::new_v4().as_fields();
    i32::try_from(random >> 1).unwrap_or_default()
}
