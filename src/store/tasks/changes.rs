//! The change feed: one statement, so that all of it is read in one snapshot. Tasks and tombstones come from two index
//! scans, merged in order; the last position in either index is the feed's head.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};

use super::{
    owned::HasOwner,
    rows::{TaskRow, TaskTypes, task_columns, tombstone_columns},
};
use crate::{
    error::{Error, Result},
    store::sql::statement::{Read, Sql, SqlRow, Statement},
    task::{Bounds, Change, Changes, FeedHead, Limit, Since},
};

/// A page of the feed, and one change more than the limit, which tells whether there are more.
pub(super) struct ReadChanges {
    bounds: Bounds,
    limit: i64,
}

impl ReadChanges {
    pub(super) fn new(since: &Since, limit: Limit) -> Self {
        Self { bounds: since.bounds(), limit: limit.get() + 1 }
    }
}

/// The feed's era, its head and the database's clock; and a change, if there is one.
#[derive(Queryable)]
pub(super) struct FeedRow {
    era: i32,
    last: Option<i64>,
    now: DateTime<Utc>,
    change: Option<ChangeRow>,
}

#[derive(Queryable)]
pub(super) struct ChangeRow {
    pub(super) task: TaskRow,
    is_deleted: bool,
}

impl SqlRow for FeedRow {
    type Columns = (Integer, Nullable<BigInt>, Timestamptz, Nullable<(TaskTypes, Bool)>);
}

impl HasOwner for FeedRow {
    fn owner(&self) -> Option<&str> {
        self.change.as_ref()?.task.owner()
    }
}

impl From<ChangeRow> for Change {
    fn from(ChangeRow { task, is_deleted }: ChangeRow) -> Self {
        if is_deleted { Self::Deleted(task.into_deleted()) } else { Self::Task(task.into()) }
    }
}

impl ReadChanges {
    /// The head is null if nothing ever changed. `max()` would double the size of the plan. Both parts repeat the limit:
    /// without it, PostgreSQL would sort rather than use the order of the index.
    const SQL: &str = concat!(
        "SELECT feed.*, change.*
         FROM (
             SELECT era, greatest(
                 (SELECT position FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api'
                  ORDER BY position DESC LIMIT 1),
                 (SELECT position FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api'
                  ORDER BY position DESC LIMIT 1)
             ), now()
             FROM feed_era
         ) AS feed
         LEFT JOIN LATERAL (
             (SELECT ",
        task_columns!(),
        ", false FROM tasks
              WHERE user_id = $1 AND current_user = 'tandem_api' AND (position, id) > ($2, $3)
              ORDER BY position, id LIMIT $6)
             UNION ALL
             (SELECT ",
        tombstone_columns!(),
        ", true FROM deleted_tasks
              WHERE user_id = $1 AND current_user = 'tandem_api' AND (position, id) > ($4, $5)
              ORDER BY position, id LIMIT $6)
             ORDER BY position, id LIMIT $6
         ) AS change ON true"
    );
}

impl Read for ReadChanges {
    const NAME: &'static str = "changes";
    type Row = FeedRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<FeedRow> + 'a {
        let Bounds { tasks, deletions } = &self.bounds;
        Sql::<FeedRow>::returning(Self::SQL)
            .bind::<Text, _>(owner)
            .bind::<BigInt, _>(tasks.number)
            .bind::<sql_types::Uuid, _>(tasks.id)
            .bind::<BigInt, _>(deletions.number)
            .bind::<sql_types::Uuid, _>(deletions.id)
            .bind::<BigInt, _>(self.limit)
    }
}

/// The page that was read; `None` if what changed since then is no longer known.
pub(super) fn page(rows: Vec<FeedRow>, since: &Since, limit: Limit) -> Result<Option<Changes>> {
    let Some(&FeedRow { era, last, now, .. }) = rows.first() else {
        return Err(Error::internal("a feed without an era"));
    };
    let head = FeedHead { era, last, now };
    let Some(cursor) = since.resume(&head) else { return Ok(None) };
    let mut items: Vec<_> = rows.into_iter().filter_map(|row| row.change).map(Change::from).collect();
    let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let cursor = cursor.advance(items.last().map(Change::position), has_more, &head);
    Ok(Some(Changes { items, cursor, has_more, reset: false }))
}
