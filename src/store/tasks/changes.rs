//! The change feed as SQL: one statement, so that all of it is read in one snapshot. Tasks and deletions come from two index
//! scans, merged in their order; the last position of either index is the feed's head.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{self, BigInt, Bool, Integer, Nullable, Timestamptz},
};

use crate::{
    error::{Error, Result},
    store::sql::{
        owner::{push_owned_by, push_user},
        rows::{TOMBSTONE_COLUMNS, TaskColumns, TaskRow},
        schema::tasks,
        statement::{Operation, Statement},
    },
    task::{Bounds, Change, Changes, FeedHead, Limit, Position, Since},
};

/// A page of the feed, and one change more than the limit, to tell whether there is more.
pub(super) struct ReadChanges {
    bounds: Bounds,
    limit: i64,
}

impl ReadChanges {
    pub(super) fn new(since: &Since, limit: Limit) -> Self {
        Self { bounds: since.bounds(), limit: limit.get() + 1 }
    }
}

/// The era, the head and the clock, and beside them a change, if there is one; whether it is a deletion.
pub(super) type FeedRow = (i32, Option<i64>, DateTime<Utc>, Option<(TaskRow, bool)>);

impl Operation for ReadChanges {
    const NAME: &'static str = "changes";
    type Row = FeedRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<FeedRow> + 'a {
        SelectChanges { owner, read: self }
    }
}

/// The page that was read; `None` when `since` is lost.
pub(super) fn page(rows: Vec<FeedRow>, since: &Since, limit: Limit) -> Result<Option<Changes>> {
    let Some(&(era, last, now, _)) = rows.first() else { return Err(Error::internal("a feed without an era")) };
    let head = FeedHead { era, last, now };
    let Some(cursor) = since.resume(&head) else { return Ok(None) };
    let mut items: Vec<_> = rows.into_iter().filter_map(|(.., change)| change).map(to_change).collect();
    let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let cursor = cursor.advance(items.last().map(Change::position), has_more, &head);
    Ok(Some(Changes { items, cursor, has_more, reset: false }))
}

fn to_change((row, is_deleted): (TaskRow, bool)) -> Change {
    if is_deleted { Change::Deleted(row.into_deleted()) } else { Change::Task(row.into()) }
}

/// Written out, because diesel has no LATERAL.
struct SelectChanges<'a> {
    owner: &'a str,
    read: &'a ReadChanges,
}

impl QueryFragment<Pg> for SelectChanges<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Bounds { tasks, deletions } = &self.read.bounds;
        out.push_sql("SELECT feed.*, change.* FROM (SELECT era, ");
        push_last_position(self.owner, &mut out)?;
        out.push_sql(", now() FROM feed_era) AS feed LEFT JOIN LATERAL ((SELECT ");
        out.push_sql(TaskColumns::SQL);
        out.push_sql(", false FROM tasks WHERE ");
        push_owned_by(self.owner, &mut out)?;
        out.push_sql(" AND (position, id) > ");
        push_position(tasks, &mut out)?;
        out.push_sql(" ORDER BY position, id");
        self.push_limit(&mut out)?;
        out.push_sql(") UNION ALL (SELECT ");
        out.push_sql(TOMBSTONE_COLUMNS);
        out.push_sql(", true FROM deleted_tasks WHERE ");
        push_owned_by(self.owner, &mut out)?;
        out.push_sql(" AND (position, id) > ");
        push_position(deletions, &mut out)?;
        out.push_sql(" ORDER BY position, id");
        self.push_limit(&mut out)?;
        out.push_sql(") ORDER BY position, id");
        self.push_limit(&mut out)?;
        out.push_sql(") AS change ON true");
        Ok(())
    }
}

impl SelectChanges<'_> {
    /// The same for each index and for both: without a limit of its own, PostgreSQL would rather sort what an index has.
    fn push_limit<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.read.limit)
    }
}

/// The position of the user's last change: the end of each index. Null if there was none. `max()` would be the same with
/// twice the plan.
fn push_last_position<'b>(owner: &'b str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql("greatest((SELECT position FROM tasks WHERE user_id = ");
    push_user(owner, out)?;
    out.push_sql(" ORDER BY position DESC LIMIT 1), (SELECT position FROM deleted_tasks WHERE user_id = ");
    push_user(owner, out)?;
    out.push_sql(" ORDER BY position DESC LIMIT 1))");
    Ok(())
}

fn push_position<'b>(position: &'b Position, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql("(");
    out.push_bind_param::<BigInt, _>(&position.number)?;
    out.push_sql(", ");
    out.push_bind_param::<sql_types::Uuid, _>(&position.id)?;
    out.push_sql(")");
    Ok(())
}

impl Query for SelectChanges<'_> {
    type SqlType = (Integer, Nullable<BigInt>, Timestamptz, Nullable<(tasks::SqlType, Bool)>);
}

impl QueryId for SelectChanges<'_> {
    type QueryId = SelectChanges<'static>;
}
