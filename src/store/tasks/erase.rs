//! The erasure of a user: no row of theirs is left in any table.

use diesel::{QueryResult, sql_types::Text};
use futures::{FutureExt, future::BoxFuture};

use crate::store::{
    connection::Connection,
    sql::statement::Sql,
    transaction::{CommitGate, Work},
};

/// Erases everything that a user has, idempotency keys and tombstones too, and counts their tasks.
///
/// It takes no idempotency key: that would be a row of the user. Their feed is empty afterwards, so that all of its cursors are
/// ahead of it.
pub(super) struct Erase;

impl Erase {
    pub(super) fn statements(owner: &str) -> [Sql<'_>; 3] {
        [
            "DELETE FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api'",
            "DELETE FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api'",
            "DELETE FROM idempotency_keys WHERE user_id = $1 AND current_user = 'tandem_api'",
        ]
        .map(|sql| Sql::new(sql).bind::<Text, _>(owner))
    }
}

impl Work for Erase {
    const STATEMENT: &'static str = "erase";
    type Output = usize;

    fn send<'c>(
        &'c self,
        owner: &'c str,
        connection: &'c Connection,
        _: &'c CommitGate,
    ) -> BoxFuture<'c, QueryResult<usize>> {
        let [tasks, tombstones, keys] = Self::statements(owner).map(|delete| connection.execute(delete));
        async move {
            let (tasks, tombstones, keys) = futures::join!(tasks, tombstones, keys);
            tombstones.and(keys).and(tasks)
        }
        .boxed()
    }
}
