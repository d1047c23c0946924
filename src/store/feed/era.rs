//! A new era invalidates all cursors of the change feed, after rows were changed by other means than this server. After a
//! backup was restored, for example: its sequence of positions may not match its rows.

use uuid::Uuid;

use crate::{
    error::{Error, Result},
    store::{DbConfig, connection::connect::Connector},
};

/// The last position of all users, which only `tandem_feed` sees.
const LAST: &str = "
    SELECT set_config('search_path', quote_ident(current_schema()), true), set_config('role', 'tandem_feed', true);
    SELECT set_config('app.position', coalesce(max(last), 0)::text, true) FROM (
        SELECT max(position) AS last FROM tasks UNION ALL SELECT max(position) FROM deleted_tasks
    ) AS positions;
    SET LOCAL ROLE NONE";
/// Far enough ahead that concurrent draws don't get there, so that the sequence never goes back.
const SET_AHEAD: &str = "
    SELECT setval('feed_positions', greatest(last_value + 1000000, current_setting('app.position')::bigint)) FROM feed_positions";

/// Starts a new era of the change feed: all clients start over. Needs the rights of the owner of the tables, and the
/// role `tandem_feed`, as whoever migrated has them.
pub async fn reset_feed(config: &DbConfig) -> Result<()> {
    let connector = Connector::new(config).map_err(Error::internal)?;
    let connection = connector.connect().await.map_err(Error::unavailable)?;
    // Nothing is prepared, so nothing is left to be closed when the embedded database is.
    let begin = format!("DELETE FROM feed_era; INSERT INTO feed_era (era) VALUES ({})", random_era());
    let statements = format!("BEGIN; {begin}; {LAST}; {SET_AHEAD}; COMMIT");
    connection.batch_execute(&statements).await.map_err(Error::internal)
}

/// Not the next number: the era after a backup could be that of a database restored from it before.
fn random_era() -> i32 {
    let (random, ..) = Uuid::new_v4().as_fields();
    i32::try_from(random >> 1).unwrap_or_default()
}
