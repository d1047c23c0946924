//! The trash: deleted tasks whose tombstones still have what they said. All columns of [`TaskRow`] are there, with the version
//! and the position of the deletion.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, BigInt, Bool, Interval, Nullable, Text, Timestamptz},
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Changed, ManyDeleted, UserTasks,
    bulk::Count,
    count, in_order,
    owned::{HasOwner, all_of},
    reads::contains,
    rows::{TaskRow, TaskTypes, said_columns, task_columns},
    uuids,
    writes::DeletedRow,
};
use crate::{
    error::Result,
    store::{
        sql::{
            emptied::emptied,
            statement::{Merge, Read, Sql, SqlRow, Statement, Write, WriteStatement},
        },
        transaction,
    },
    task::{DeletedTask, Search, SortKey, Task, TaskId, TrashPage, TrashRequest, TrashedTask},
};

/// What is in the trash, for `concat!`. `$2` is how long it stays there, whether or not it has been swept. Not a range of the
/// time of deletion: for that, the planner would take the sweeper's index.
macro_rules! in_trash {
    () => {
        "created_at IS NOT NULL AND deleted_at + $2 > now()"
    };
}
pub(super) use in_trash;

/// The same in a write: at the time that all its statements have on all servers, and in the form that Citus takes.
macro_rules! in_trash_of_write {
    () => {
        "created_at IS NOT NULL AND deleted_at > tandem_time() - $2::interval"
    };
}

/// Whether the text contains `$3`, if it is given. `$4` says that it is ASCII, as in the lists of tasks.
macro_rules! matches_search {
    () => {
        "($3::text IS NULL OR CASE WHEN $4 THEN title COLLATE \"C\" ILIKE $3 OR description COLLATE \"C\" ILIKE $3
                             ELSE title ILIKE $3 OR description ILIKE $3 END)"
    };
}

/// A task in the trash.
#[derive(Queryable)]
pub(super) struct TrashedRow {
    task: TaskRow,
    deleted_at: DateTime<Utc>,
}

impl SqlRow for TrashedRow {
    type Columns = (TaskTypes, Timestamptz);
}

impl HasOwner for TrashedRow {
    fn owner(&self) -> Option<&str> {
        self.task.owner()
    }
}

/// A page of the trash, newest first, and one task more than the limit, which tells whether there are more.
pub(super) struct ListTrash {
    pub(super) request: TrashRequest,
    pub(super) lifetime: TimeDelta,
}

impl ListTrash {
    const SQL: &str = concat!(
        "SELECT ",
        task_columns!(),
        ", deleted_at FROM deleted_tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
        in_trash!(),
        " AND ",
        matches_search!(),
        " AND (position, id) < ($5, $6) ORDER BY position DESC, id DESC LIMIT $7"
    );
}

impl Read for ListTrash {
    const NAME: &'static str = "trash";
    type Row = TrashedRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TrashedRow> + 'a {
        let TrashRequest { search, after, limit, .. } = &self.request;
        let after = after.as_ref().and_then(|cursor| match cursor.key() {
            SortKey::Position(position) => Some((*position, cursor.id())),
            _ => None,
        });
        let (position, id) = after.unwrap_or((i64::MAX, Uuid::max()));
        Sql::<TrashedRow>::returning(Self::SQL)
            .bind::<Text, _>(owner)
            .bind::<Interval, _>(self.lifetime)
            .bind::<Nullable<Text>, _>(search.as_ref().map(contains))
            .bind::<Bool, _>(search.as_ref().is_some_and(|search| search.as_str().is_ascii()))
            .bind::<BigInt, _>(position)
            .bind::<sql_types::Uuid, _>(id)
            .bind::<BigInt, _>(limit.get() + 1)
    }
}

/// How many tasks of the trash match.
pub(super) struct CountTrash {
    pub(super) search: Option<Search>,
    pub(super) lifetime: TimeDelta,
}

impl CountTrash {
    const SQL: &str = concat!(
        "SELECT count(*) FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
        in_trash!(),
        " AND ",
        matches_search!()
    );
}

impl Read for CountTrash {
    const NAME: &'static str = "trash_total";
    type Row = Count;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<Count> + 'a {
        let search = self.search.as_ref();
        Sql::<Count>::returning(Self::SQL)
            .bind::<Text, _>(owner)
            .bind::<Interval, _>(self.lifetime)
            .bind::<Nullable<Text>, _>(search.map(contains))
            .bind::<Bool, _>(search.is_some_and(|search| search.as_str().is_ascii()))
    }
}

/// Those of these tasks that are in the trash.
pub(super) struct FindTrashed {
    pub(super) ids: Vec<Uuid>,
    pub(super) lifetime: TimeDelta,
}

impl FindTrashed {
    const SQL: &str = concat!(
        "SELECT ",
        task_columns!(),
        ", deleted_at FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
        in_trash!(),
        " AND id = ANY ($3)"
    );
}

impl Read for FindTrashed {
    const NAME: &'static str = "find_trashed";
    type Row = TrashedRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TrashedRow> + 'a {
        Sql::<TrashedRow>::returning(Self::SQL).bind::<Text, _>(owner).bind::<Interval, _>(self.lifetime).bind::<Array<
            sql_types::Uuid,
        >, _>(
            &self.ids
        )
    }
}

/// Takes these tasks out of the trash if each of them is there, or among the tasks, which are left as they are. Their
/// tombstones go: the new versions supersede them. Ids must be distinct.
#[derive(Serialize)]
pub(super) struct Restore {
    pub(super) ids: Vec<Uuid>,
    /// The version of a tombstone, if one is expected.
    pub(super) expected: Option<i64>,
    #[serde(skip)]
    pub(super) lifetime: TimeDelta,
}

/// A task that is there or in the trash, and the time.
#[derive(Queryable)]
pub(super) struct RestorableRow {
    task: TaskRow,
    is_trashed: bool,
    time: DateTime<Utc>,
}

impl SqlRow for RestorableRow {
    type Columns = (TaskTypes, Bool, Timestamptz);
}

/// What leaves the trash, and when.
#[derive(Default)]
pub(super) struct Restored {
    pub(super) ids: Vec<Uuid>,
    pub(super) time: DateTime<Utc>,
}

impl Restore {
    const FIND: &str = concat!(
        "SELECT ",
        task_columns!(),
        ", false, statement_timestamp() FROM tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($3)
         UNION ALL
         SELECT ",
        task_columns!(),
        ", true, statement_timestamp() FROM deleted_tasks
         WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
        in_trash_of_write!(),
        " AND id = ANY ($3)"
    );
    const INSERT: &str = concat!(
        "INSERT INTO tasks (user_id, id, version, position, updated_at, ",
        said_columns!(),
        ") SELECT user_id, id, version + 1, tandem_position(), $3, ",
        said_columns!(),
        " FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)"
    );
    const DELETE: &str =
        "DELETE FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = ANY ($2)";
}

impl Merge for Restore {
    const NAME: &'static str = "restore";
    type Found = RestorableRow;
    type Row = TaskRow;
    type Edits = Restored;
    const GOES_ON_AT_QUOTA: bool = false;

    fn read<'a>(&'a self, owner: &'a str) -> impl Statement<RestorableRow> + 'a {
        Sql::<RestorableRow>::returning(Self::FIND)
            .bind::<Text, _>(owner)
            .bind::<Interval, _>(self.lifetime)
            .bind::<Array<sql_types::Uuid>, _>(&self.ids)
    }

    /// Nothing, if one of them is nowhere, or not at the expected version.
    fn decide(&self, _owner: &str, found: Vec<RestorableRow>, _room: usize) -> (Restored, Vec<TaskRow>) {
        let (mut restored, mut tasks) = (Restored::default(), Vec::new());
        for RestorableRow { task, is_trashed, time } in found {
            let mut task = Task::from(task);
            if is_trashed {
                if self.expected.is_some_and(|version| version != task.version) {
                    return Default::default();
                }
                restored.ids.push(task.id.as_uuid());
                restored.time = time;
                task = Task { version: task.version + 1, updated_at: time, ..task };
            }
            tasks.push(task);
        }
        if tasks.len() < self.ids.len() {
            return Default::default();
        }
        (restored, tasks.into_iter().map(Into::into).collect())
    }

    fn creations(edits: &Restored) -> usize {
        edits.ids.len()
    }

    fn statements<'a>(edits: &'a Restored, owner: &'a str) -> Vec<Sql<'a>> {
        if edits.ids.is_empty() {
            return Vec::new();
        }
        let of = |sql| Sql::new(sql).bind::<Text, _>(owner).bind::<Array<sql_types::Uuid>, _>(&edits.ids);
        vec![of(Self::INSERT).bind::<Timestamptz, _>(edits.time), of(Self::DELETE)]
    }
}

/// Removes what a task in the trash said. Its tombstone stays as it is.
#[derive(Serialize)]
pub(super) struct Purge {
    pub(super) id: Uuid,
    #[serde(skip)]
    pub(super) lifetime: TimeDelta,
}

impl Write for Purge {
    const NAME: &'static str = "purge";
    type Row = DeletedRow;
    const SQL: &'static str = concat!(
        "UPDATE deleted_tasks SET ",
        emptied!(),
        " WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
        in_trash_of_write!(),
        " AND id = $3 RETURNING id, version, position, deleted_at"
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, DeletedRow> {
        Sql::returning(Self::SQL)
            .bind::<Text, _>(owner)
            .bind::<Interval, _>(self.lifetime)
            .bind::<sql_types::Uuid, _>(self.id)
    }
}

/// Removes what all tasks in the trash said, and counts those that could still be restored.
#[derive(Serialize)]
pub(super) struct Empty {
    #[serde(skip)]
    pub(super) lifetime: TimeDelta,
}

impl Write for Empty {
    const NAME: &'static str = "empty_trash";
    type Row = Count;
    const SQL: &'static str = concat!(
        "WITH emptied AS (
             UPDATE deleted_tasks SET ",
        emptied!(),
        " WHERE user_id = $1 AND current_user = 'tandem_api' AND created_at IS NOT NULL
             RETURNING deleted_at
         ), result AS (
             SELECT count(*) FILTER (WHERE deleted_at > tandem_time() - $2::interval) AS result FROM emptied
         ) SELECT * FROM result"
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, Count> {
        Sql::returning(Self::SQL).bind::<Text, _>(owner).bind::<Interval, _>(self.lifetime)
    }
}

impl UserTasks {
    /// A page of the trash, newest first.
    pub async fn trash(&self, request: TrashRequest) -> Result<TrashPage> {
        let lifetime = self.trash_lifetime;
        let total = request.with_total.then(|| CountTrash { search: request.search.clone(), lifetime });
        let reads = Arc::new((ListTrash { request, lifetime }, total));
        let (rows, total) = transaction::read(&self.pool, self.user.shared_id(), Arc::clone(&reads)).await?;
        let (mut rows, request) = (all_of(&self.user, rows)?, &reads.0.request);
        let limit = usize::try_from(request.limit.get()).unwrap_or(usize::MAX);
        let has_next = rows.len() > limit;
        rows.truncate(limit);
        Ok(TrashPage {
            tasks: rows.into_iter().map(|row| self.trashed(row)).collect(),
            has_next,
            has_previous: request.after.is_some(),
            total: total.and_then(|counts| counts.first().map(|count| count.result)),
        })
    }

    /// How many tasks are in the trash, and match the search.
    pub async fn trash_total(&self, search: Option<Search>) -> Result<u64> {
        count(&self.read(CountTrash { search, lifetime: self.trash_lifetime }).await?)
    }

    /// Takes a task out of the trash, if its tombstone is at the expected version. A task that is there is left as it is. A
    /// conflict has the task as it was.
    pub async fn restore(&self, id: TaskId, expected: Option<i64>) -> Result<Changed<Task>> {
        let ids = vec![id.as_uuid()];
        let restore = Restore { ids: ids.clone(), expected, lifetime: self.trash_lifetime };
        if let Some(row) = self.merge(restore).await?.pop() {
            return Ok(Changed::Done(row.into()));
        }
        let found = if expected.is_some() { self.find_trashed(ids).await?.pop() } else { None };
        Ok(found.map_or(Changed::Absent, |trashed| Changed::Conflict(trashed.task.into())))
    }

    /// Takes these tasks out of the trash if each of them is there or among the tasks; if not, none is restored or returned. Ids
    /// must be distinct.
    pub async fn restore_many(&self, ids: Vec<TaskId>) -> Result<Vec<Task>> {
        let restore = Restore { ids: uuids(ids), expected: None, lifetime: self.trash_lifetime };
        Ok(in_order(self.merge(restore).await?))
    }

    /// Removes what a task in the trash said; `None` if it is not there.
    pub async fn purge(&self, id: TaskId) -> Result<Option<DeletedTask>> {
        let purge = Purge { id: id.as_uuid(), lifetime: self.trash_lifetime };
        Ok(self.write(purge).await?.pop().map(Into::into))
    }

    /// Removes what all tasks in the trash said, and counts them.
    pub async fn empty_trash(&self) -> Result<u64> {
        count(&self.write(Empty { lifetime: self.trash_lifetime }).await?)
    }

    /// What was deleted, by ids and the versions that the tasks had.
    pub(super) async fn recall_deleted(&self, outcome: &[(Uuid, i64)]) -> Result<ManyDeleted> {
        let ids: Vec<_> = outcome.iter().map(|(id, _)| *id).collect();
        let mut trashed = self.find_trashed(ids.clone()).await?;
        let as_it_was = |&(id, version): &(Uuid, i64)| {
            let is_same =
                |TrashedTask { task, .. }: &TrashedTask| task.id.as_uuid() == id && task.version == version + 1;
            let found = trashed.iter().position(is_same)?;
            Some(Task { version, ..trashed.swap_remove(found).task })
        };
        let tasks = outcome.iter().filter_map(as_it_was).collect();
        Ok(ManyDeleted { ids: ids.into_iter().map(Into::into).collect(), tasks })
    }

    /// Those of these tasks that are in the trash.
    async fn find_trashed(&self, ids: Vec<Uuid>) -> Result<Vec<TrashedTask>> {
        let rows = self.read(FindTrashed { ids, lifetime: self.trash_lifetime }).await?;
        Ok(rows.into_iter().map(|row| self.trashed(row)).collect())
    }

    pub(super) fn trashed(&self, TrashedRow { task, deleted_at }: TrashedRow) -> TrashedTask {
        TrashedTask { task: task.into(), deleted_at, purge_at: deleted_at + self.trash_lifetime }
    }
}
