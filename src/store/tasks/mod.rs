//! One user's tasks. Every statement names the owner, and row-level security repeats it.

mod bulk;
mod changes;
mod erase;
mod export;
mod import;
mod insert;
mod owned;
mod push;
mod reads;
mod rows;
mod target;
#[cfg(test)]
mod tests;
mod trash;
mod update;
mod writes;

use std::{fmt, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;

use self::{
    bulk::{ClearCompleted, ClearedRow, CompleteAll, CompleteMany, Count, DeleteMany, GoneRow},
    changes::ReadChanges,
    erase::Erase,
    export::ExportTrash,
    import::{Import, ImportTrash, Taken},
    insert::Insert,
    owned::{HasOwner, all_of},
    push::{ConflictRow, Create, CreatedRow, FindChanges, Push},
    reads::{Counts, Find, List, ReadTags, TagRow, Total},
    rows::TaskRow,
    target::TaskTarget,
    update::{MoveDue, MovedRow, Update},
    writes::{Delete, SetCompleted, Toggle},
};
use super::{
    connection::Connection,
    pool::Pool,
    sql::statement::{Merge, Read, Statement, Write},
    transaction::{
        self,
        idempotency::{self, Idempotency},
    },
};
use crate::{
    auth::CurrentUser,
    error::{Error, Result},
    task::{
        Changes, Created, DeletedTask, FieldError, Filter, ImportedTask, Limit, NewTask, Page, PageRequest, Position,
        PushRefusal, Pushed, Refusal, Since, TagCount, Task, TaskCounts, TaskId, TaskPatch, TaskPush, TimeZone,
        TrashedTask, states_of,
    },
    telemetry,
};

/// The tasks of one user, and of no other. Only [`super::Db::tasks`] makes one.
#[derive(Clone)]
pub struct UserTasks {
    pool: Pool,
    user: CurrentUser,
    idempotency: Option<Idempotency>,
    /// How long what a deleted task said is kept.
    trash_lifetime: TimeDelta,
}

/// Deleted tasks.
#[derive(Debug, Default)]
pub struct ManyDeleted {
    /// The ids of all of them, oldest first.
    pub ids: Vec<TaskId>,
    /// The tasks as they were, in the same order. Where an outcome is replayed, without those that have left the trash.
    pub tasks: Vec<Task>,
}

/// Completed tasks that were deleted.
#[derive(Debug)]
pub struct Cleared {
    /// How many.
    pub count: u64,
    /// The ids of the oldest, up to 1,000 of them.
    pub ids: Vec<TaskId>,
}

/// What became of a change that expects a version.
#[derive(Debug)]
pub enum Changed<T> {
    /// It was done.
    Done(T),
    /// There is no such task.
    Absent,
    /// The task is at this other version, and was left as it is.
    Conflict(Box<Task>),
}

impl UserTasks {
    pub(super) fn new(pool: Pool, user: CurrentUser, trash_lifetime: TimeDelta) -> Self {
        Self { pool, user, idempotency: None, trash_lifetime }
    }

    /// The same tasks, for one operation of a batch.
    #[must_use]
    pub fn operation(&self, index: usize) -> Self {
        Self { idempotency: self.idempotency.as_ref().map(|request| request.operation(index)), ..self.clone() }
    }

    /// The same tasks, for a request under an idempotency key.
    #[must_use]
    pub fn idempotent(self, idempotency: Option<Idempotency>) -> Self {
        Self { idempotency, ..self }
    }

    /// Whose tasks these are.
    #[must_use]
    pub fn user(&self) -> &CurrentUser {
        &self.user
    }

    /// A page of a sorted list.
    pub async fn list(&self, filter: Filter, request: PageRequest) -> Result<Page> {
        let total = request.with_total.then(|| Total(filter.clone()));
        let list = Arc::new((List { filter, request }, total));
        let (rows, total) = transaction::read(&self.pool, self.user.shared_id(), Arc::clone(&list)).await?;
        let page = cut(all_of(&self.user, rows)?, &list.0.request);
        Ok(Page { total: total.and_then(|counts| counts.first().copied()), ..page })
    }

    /// One task.
    pub async fn find(&self, id: TaskId) -> Result<Option<Task>> {
        Ok(self.read(Find(id)).await?.pop().map(Into::into))
    }

    /// How many there are, by status; the filter's status doesn't count.
    pub async fn counts(&self, filter: Filter) -> Result<TaskCounts> {
        let rows = self.read(Counts(filter)).await?;
        let of = |completed| rows.iter().filter(|row| row.completed == completed).map(|row| row.count).sum();
        Ok(TaskCounts { pending: of(false), completed: of(true) })
    }

    /// The tags that most tasks have.
    pub async fn tags(&self, limit: Limit) -> Result<Vec<TagCount>> {
        let rows = self.read(ReadTags(limit.get())).await?;
        Ok(rows.into_iter().map(|TagRow { name, pending, total }| TagCount { name, pending, total }).collect())
    }

    /// A page of what changed since then, or the first page of everything if that is no longer known.
    pub async fn changes(&self, since: &Since, limit: Limit) -> Result<Changes> {
        let feed = self.read(ReadChanges::new(since, limit)).await?;
        if let Some(page) = changes::page(feed, since, limit)? {
            return Ok(page);
        }
        let feed = self.read(ReadChanges::new(&Since::Beginning, limit)).await?;
        let page = changes::page(feed, &Since::Beginning, limit)?;
        let page = page.ok_or_else(|| Error::internal("a feed that has no beginning"))?;
        Ok(Changes { reset: true, ..page })
    }

    /// Adds a task. One with a client's id may be there already.
    pub async fn insert(&self, new: NewTask) -> Result<Created> {
        let no_row = || Error::internal("an INSERT that returned no row");
        if new.id.is_some() {
            return self.create([new]).await?.pop().ok_or_else(no_row);
        }
        let row = self.write(Insert::from_iter([new])).await?.pop();
        row.map(|row| Created { task: row.into(), is_new: true }).ok_or_else(no_row)
    }

    /// Changes a task, if it is at the expected version. The patch must not be empty.
    pub async fn update(&self, id: TaskId, patch: TaskPatch, expected: Option<i64>) -> Result<Changed<Task>> {
        let target = TaskTarget::new(id, expected);
        self.changed(target, self.write(Update::new(target, patch)).await?).await
    }

    /// Changes a task, whose due date moves to another zone, if it is at the expected version.
    pub async fn move_due(
        &self,
        id: TaskId,
        zone: Option<TimeZone>,
        patch: TaskPatch,
        expected: Option<i64>,
    ) -> Result<Changed<Task>> {
        let moved = self.merge(MoveDue::new(TaskTarget::new(id, expected), zone, patch)).await?.pop();
        Ok(match moved {
            None => Changed::Absent,
            Some(MovedRow::Done(row)) => Changed::Done(row.into()),
            Some(MovedRow::Conflict(row)) => Changed::Conflict(Box::new(row.into())),
            Some(MovedRow::Invalid(violation)) => return Err(FieldError::new("due_timezone", violation).into()),
        })
    }

    /// Deletes a task, if it is at the expected version.
    pub async fn delete(&self, id: TaskId, expected: Option<i64>) -> Result<Changed<DeletedTask>> {
        let target = TaskTarget::new(id, expected);
        self.changed(target, self.write(Delete { target, keeps_text: self.keeps_text() }).await?).await
    }

    /// Toggles whether a task is completed, if it is at the expected version.
    pub async fn toggle(&self, id: TaskId, expected: Option<i64>) -> Result<Changed<Task>> {
        let target = TaskTarget::new(id, expected);
        self.changed(target, self.write(Toggle(target)).await?).await
    }

    /// Sets whether a task is completed, if it is at the expected version. A task in that state keeps its version.
    pub async fn set_completed(&self, id: TaskId, completed: bool, expected: Option<i64>) -> Result<Changed<Task>> {
        let target = TaskTarget::new(id, expected);
        self.changed(target, self.write(SetCompleted { target, completed }).await?).await
    }

    /// Adds tasks, and returns them in the order given.
    pub async fn insert_many(&self, new: Vec<NewTask>) -> Result<Vec<Task>> {
        if new.iter().any(|new| new.id.is_some()) {
            return Ok(self.create(new).await?.into_iter().map(|created| created.task).collect());
        }
        Ok(in_order(self.write(Insert::from_iter(new)).await?))
    }

    /// Completes these tasks if all of them exist; if not, none is changed or returned. Completed tasks keep their version.
    /// Ids must be distinct.
    pub async fn complete_many(&self, ids: Vec<TaskId>) -> Result<Vec<Task>> {
        Ok(in_order(self.write(CompleteMany(uuids(ids))).await?))
    }

    /// Deletes these tasks if all of them exist; if not, none is deleted or returned. Ids must be distinct.
    pub async fn delete_many(&self, ids: Vec<TaskId>) -> Result<ManyDeleted> {
        let rows = self.write(DeleteMany { ids: uuids(ids), keeps_text: self.keeps_text() }).await?;
        let (mut whole, mut outcome) = (Vec::new(), Vec::new());
        for row in rows {
            match row {
                GoneRow::Whole(task) => whole.push(task),
                GoneRow::Outcome { id, version } => outcome.push((id, version)),
            }
        }
        if outcome.is_empty() {
            let tasks = in_order(whole);
            return Ok(ManyDeleted { ids: tasks.iter().map(|task| task.id).collect(), tasks });
        }
        self.recall_deleted(&outcome).await
    }

    /// Completes every pending task, and counts them.
    pub async fn complete_all(&self) -> Result<u64> {
        count(&self.write(CompleteAll).await?)
    }

    /// Deletes every completed task.
    pub async fn clear_completed(&self) -> Result<Cleared> {
        let (count, ids) = match self.write(ClearCompleted { keeps_text: self.keeps_text() }).await?.pop() {
            Some(ClearedRow::Ids { count, ids }) => (count, ids),
            Some(ClearedRow::Count(count)) => (count, Vec::new()),
            None => return Err(Error::internal("a change that returned no count")),
        };
        let count = u64::try_from(count).map_err(Error::internal)?;
        Ok(Cleared { count, ids: ids.into_iter().map(Into::into).collect() })
    }

    /// Whether a tombstone keeps what its task said.
    fn keeps_text(&self) -> bool {
        !self.trash_lifetime.is_zero()
    }

    /// Adds tasks that were made elsewhere. Returns the ids of those that are new: the others are there already, or were
    /// deleted since they were. Ids must be distinct.
    pub async fn import(&self, tasks: Vec<ImportedTask>) -> Result<Vec<TaskId>> {
        let rows = self.write(Import::from_iter(tasks)).await?;
        Ok(rows.into_iter().map(|row| row.id.into()).collect())
    }

    /// Adds tasks to the trash that were made and deleted elsewhere. Returns the ids of those that are new. Ids must be distinct.
    pub async fn import_trash(&self, tasks: Vec<(ImportedTask, DateTime<Utc>)>) -> Result<Vec<TaskId>> {
        let rows = self.write(ImportTrash::from_iter(tasks)).await?;
        Ok(rows.into_iter().map(|row| row.id.into()).collect())
    }

    /// The next tasks in the trash behind a deletion, oldest first.
    pub async fn trash_after(&self, after: Position, limit: Limit) -> Result<Vec<TrashedTask>> {
        let export = ExportTrash { after, limit: limit.get(), lifetime: self.trash_lifetime };
        Ok(self.read(export).await?.into_iter().map(|row| self.trashed(row)).collect())
    }

    /// Which of these ids the user has, or had for a task that was deleted since.
    pub async fn taken(&self, ids: Vec<TaskId>) -> Result<Vec<TaskId>> {
        Ok(self.read(Taken(uuids(ids))).await?.into_iter().map(|row| row.id.into()).collect())
    }

    /// Erases everything that the user has, and counts their tasks.
    pub async fn erase(&self) -> Result<usize> {
        telemetry::note_write();
        transaction::change(&self.pool, self.user.shared_id(), Arc::new(Erase)).await
    }

    /// Merges what a replica pushes, and returns what is there where a push was not applied. Tasks that were one too many are
    /// refused.
    pub async fn push(&self, pushes: Vec<TaskPush>) -> Result<Pushed> {
        let (mut outcome, mut recalled) = (Pushed::default(), Vec::new());
        for row in self.merge(Push { pushes, keeps_text: self.keeps_text() }).await? {
            match row {
                ConflictRow::State(change) => outcome.conflicts.push(change),
                ConflictRow::Recalled(id) => recalled.push(id),
                ConflictRow::BeyondQuota(id) => {
                    let reason = Refusal::BeyondQuota(self.pool.quota().max());
                    outcome.refused.push(PushRefusal { id: id.to_string(), reason });
                }
            }
        }
        if !recalled.is_empty() {
            let (time, found) = push::read(self.read(FindChanges(recalled.clone())).await?);
            outcome.conflicts = states_of(&recalled, time, found);
        }
        Ok(outcome)
    }

    /// Adds tasks of which some have clients' ids, all or none.
    async fn create(&self, new: impl IntoIterator<Item = NewTask>) -> Result<Vec<Created>> {
        let created = self.merge(Create::from_iter(new)).await?.into_iter().map(CreatedRow::into_result);
        created.collect::<Result<_, _>>().map_err(|id| Error::id_taken(id.into()))
    }

    async fn read<R: Read<Row: HasOwner>>(&self, read: R) -> Result<Vec<R::Row>> {
        let rows = transaction::read(&self.pool, self.user.shared_id(), Arc::new(read)).await?;
        all_of(&self.user, rows)
    }

    async fn write<W: Write<Row: HasOwner>>(&self, write: W) -> Result<Vec<W::Row>> {
        telemetry::note_write();
        let rows = idempotency::write(&self.pool, self.user.shared_id(), self.idempotency.as_ref(), write).await?;
        all_of(&self.user, rows)
    }

    async fn merge<M: Merge<Row: HasOwner>>(&self, merge: M) -> Result<Vec<M::Row>> {
        telemetry::note_write();
        let rows = idempotency::merge(&self.pool, self.user.shared_id(), self.idempotency.as_ref(), merge).await?;
        all_of(&self.user, rows)
    }

    /// What was changed, or why nothing was: no such task, or one at another version.
    async fn changed<R, T: From<R>>(&self, target: TaskTarget, mut rows: Vec<R>) -> Result<Changed<T>> {
        if let Some(row) = rows.pop() {
            return Ok(Changed::Done(row.into()));
        }
        let current = if target.expected.is_some() { self.find(target.id.into()).await? } else { None };
        Ok(current.map_or(Changed::Absent, |task| Changed::Conflict(task.into())))
    }
}

/// Lists the tasks of a user as their requests do. Fails where the table doesn't fit this release.
pub(super) async fn read_as_users_do(connection: &Connection, owner: &str) -> QueryResult<()> {
    let list = List { filter: Filter::default(), request: PageRequest::default() };
    list.statement(owner).rows(connection).await.map(drop)
}

impl fmt::Debug for UserTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserTasks").field("user", &self.user).finish_non_exhaustive()
    }
}

fn uuids(ids: Vec<TaskId>) -> Vec<uuid::Uuid> {
    ids.into_iter().map(TaskId::as_uuid).collect()
}

/// Oldest first. Tasks that were made at the same time by the server are in the order of their ids.
fn in_order(rows: Vec<TaskRow>) -> Vec<Task> {
    let mut tasks: Vec<Task> = rows.into_iter().map(Into::into).collect();
    tasks.sort_unstable_by_key(|task| (task.created_at, task.id.as_uuid()));
    tasks
}

fn count(rows: &[Count]) -> Result<u64> {
    let count = rows.first().and_then(|count| u64::try_from(count.result).ok());
    count.ok_or_else(|| Error::internal("a change that returned no count"))
}

/// Makes a page, in the list's order, of rows that were read with one more than the limit. The task that a cursor was made
/// for is outside of the page, so there is always one on that side.
fn cut(mut rows: Vec<TaskRow>, request: &PageRequest) -> Page {
    let limit = usize::try_from(request.limit.get()).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    if request.from_end {
        rows.reverse();
    }
    let has_next = request.before.is_some() || has_more && !request.from_end;
    let has_previous = request.after.is_some() || request.offset.get() > 0 || has_more && request.from_end;
    Page { tasks: rows.into_iter().map(Into::into).collect(), has_next, has_previous, total: None }
}
