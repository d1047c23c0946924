//! Who has anything: for an export of all users. Read as the role that sees whose rows there are and nothing of them.

use diesel::sql_types::{BigInt, Text};

use super::FeedWatcher;
use crate::{error::Result, store::sql::statement::Sql};

/// Both tables are read in the order of an index.
const USERS: &str = "
    SELECT DISTINCT user_id::text FROM (
        SELECT user_id FROM tasks WHERE user_id > $1 UNION ALL SELECT user_id FROM deleted_tasks WHERE user_id > $1
    ) AS users WHERE current_user = 'tandem_feed' ORDER BY 1 LIMIT $2";
/// Users in one query.
const PAGE: i64 = 1000;

impl FeedWatcher {
    /// The next users behind this one, in the order of their ids; none at the end.
    pub(in crate::store) async fn users_after(&self, user: &str) -> Result<Vec<String>> {
        self.ask(Sql::<String>::returning(USERS).bind::<Text, _>(user.to_owned()).bind::<BigInt, _>(PAGE)).await
    }
}
