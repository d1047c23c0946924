//! One user's tasks. Every query names the owner, and row-level security says it again.

use std::{fmt, sync::Arc};

use diesel::{
    define_sql_function,
    dsl::{case_when, not},
    prelude::*,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{
    claim::{Claim, Noted},
    once::Once,
    page::{self, owned_by},
    pool::Pool,
    rows::TaskRow,
    schema::tasks,
};
use crate::{
    auth::CurrentUser,
    error::{Error, Result},
    task::{Description, Filter, NewTask, Page, PageRequest, Search, Task, TaskCounts, TaskId, TaskPatch, Title},
};

/// How often a key is claimed that was taken a moment ago and is free now, before giving up.
const CLAIMS: usize = 3;

/// The tasks of one user, and of no other. Only [`super::Db::tasks`] makes one.
#[derive(Clone)]
pub struct UserTasks {
    pool: Pool,
    user: CurrentUser,
    once: Option<Once>,
}

/// A write on a connection, under a key if there is one.
pub(super) trait Write:
    Fn(Arc<str>, Option<Claim>, &AsyncPgConnection) -> BoxFuture<'_, QueryResult<Vec<TaskRow>>> + Send + Sync + 'static
{
}
impl<W> Write for W where
    W: Fn(Arc<str>, Option<Claim>, &AsyncPgConnection) -> BoxFuture<'_, QueryResult<Vec<TaskRow>>>
        + Send
        + Sync
        + 'static
{
}

/// Narrows a boxed statement down to a version, if one is expected.
macro_rules! at_version {
    ($statement:expr, $expected:expr) => {{
        let statement = $statement;
        match $expected {
            Some(expected) => statement.filter(tasks::version.eq(expected)),
            None => statement,
        }
    }};
}

/// What became of a change that expects a version.
#[derive(Debug)]
pub enum Changed<T> {
    /// It was done.
    Done(T),
    /// There is no such task.
    Absent,
    /// The task is at this other version, and was left as it is.
    Conflict(Task),
}

impl UserTasks {
    pub(super) fn new(pool: Pool, user: CurrentUser) -> Self {
        Self { pool, user, once: None }
    }

    /// The same tasks, for one operation of a batch.
    #[must_use]
    pub fn operation(&self, index: usize) -> Self {
        Self { once: self.once.as_ref().map(|once| once.operation(index)), ..self.clone() }
    }

    /// The same tasks, for a request that is to be carried out once.
    #[must_use]
    pub fn once(self, once: Option<Once>) -> Self {
        Self { once, ..self }
    }

    /// Whose tasks these are.
    #[must_use]
    pub fn user(&self) -> &CurrentUser {
        &self.user
    }

    /// A page of a sorted list.
    pub async fn list(&self, filter: Filter, request: PageRequest) -> Result<Page> {
        let request = Arc::new((filter, request));
        let asked = Arc::clone(&request);
        let rows: Vec<TaskRow> = self
            .pool
            .read(self.user.shared_id(), move |owner, connection| {
                let request = Arc::clone(&request);
                async move { page::page(&owner, &request.0, &request.1).load(&mut &*connection).await }.boxed()
            })
            .await?;
        Ok(cut(rows, &asked.1))
    }

    /// One task.
    pub async fn find(&self, id: TaskId) -> Result<Option<Task>> {
        let row = self.pool.read(self.user.shared_id(), move |owner, connection| {
            async move {
                let query = owned_by(&owner).filter(tasks::id.eq(id.as_uuid())).select(TaskRow::as_select());
                query.first(&mut &*connection).await.optional()
            }
            .boxed()
        });
        Ok(row.await?.map(Into::into))
    }

    /// How many there are, by status.
    pub async fn counts(&self, search: Option<Search>) -> Result<TaskCounts> {
        let search = search.map(Arc::new);
        let rows: Vec<(bool, i64)> = self
            .pool
            .read(self.user.shared_id(), move |owner, connection| {
                let search = search.clone();
                async move { page::counts(&owner, search.as_deref()).load(&mut &*connection).await }.boxed()
            })
            .await?;
        let of = |status| rows.iter().filter(|(completed, _)| *completed == status).map(|(_, count)| count).sum();
        Ok(TaskCounts { pending: of(false), completed: of(true) })
    }

    /// Adds a task.
    pub async fn insert(&self, new: NewTask) -> Result<Task> {
        let title = new.title.into_string();
        let description = new.description.map(Description::into_string);
        let write = json!(["insert", title, description, new.completed]);
        let row = Arc::new((TaskId::generate(), title, description, new.completed));
        let rows = self.write(&write, move |owner, claim, connection| {
            let row = Arc::clone(&row);
            async move {
                let (id, title, description, completed) = &*row;
                // Not a struct: diesel writes DEFAULT for its absent fields, and doesn't keep that prepared.
                let values = (
                    tasks::user_id.eq(&*owner),
                    tasks::id.eq(id.as_uuid()),
                    tasks::title.eq(title.as_str()),
                    tasks::description.eq(description.as_deref()),
                    tasks::completed.eq(completed),
                );
                let insert = diesel::insert_into(tasks::table).values(values).returning(TaskRow::as_returning());
                Noted::one(insert, claim).load(&mut &*connection).await
            }
            .boxed()
        });
        only(rows.await?).ok_or_else(|| Error::internal("an INSERT that returned no row"))
    }

    /// Changes a task, if it is at the expected version. The patch must not be empty.
    pub async fn update(&self, id: TaskId, patch: TaskPatch, expected: Option<i64>) -> Result<Changed<Task>> {
        let changes = Changes {
            title: patch.title.map(Title::into_string),
            description: patch.description.map(|text| text.map(Description::into_string)),
            completed: patch.completed,
        };
        let description = changes.description.as_ref().map(|text| json!([text]));
        let write = json!(["update", id.as_uuid(), changes.title, description, changes.completed, expected]);
        let changes = Arc::new(changes);
        let rows = self.write(&write, move |owner, claim, connection| {
            let changes = Arc::clone(&changes);
            async move {
                let set = (&*changes, tasks::version.eq(tasks::version + 1), tasks::updated_at.eq(clock_timestamp()));
                let update = diesel::update(owned_by(&owner).filter(tasks::id.eq(id.as_uuid()))).set(set).into_boxed();
                let update = at_version!(update, expected).returning(TaskRow::as_returning());
                Noted::one(update, claim).load(&mut &*connection).await
            }
            .boxed()
        });
        self.changed(rows.await?, id, expected).await
    }

    /// Deletes a task, if it is at the expected version.
    pub async fn delete(&self, id: TaskId, expected: Option<i64>) -> Result<Changed<Task>> {
        let write = json!(["delete", id.as_uuid(), expected]);
        let rows = self.write(&write, move |owner, claim, connection| {
            async move {
                let delete = diesel::delete(owned_by(&owner).filter(tasks::id.eq(id.as_uuid()))).into_boxed();
                let delete = at_version!(delete, expected).returning(TaskRow::as_returning());
                Noted::one(delete, claim).load(&mut &*connection).await
            }
            .boxed()
        });
        self.changed(rows.await?, id, expected).await
    }

    /// Turns a task from pending to completed or back, in one statement: concurrent toggles all count.
    pub async fn toggle(&self, id: TaskId, expected: Option<i64>) -> Result<Changed<Task>> {
        let write = json!(["toggle", id.as_uuid(), expected]);
        let rows = self.write(&write, move |owner, claim, connection| {
            async move {
                let set = (
                    tasks::completed.eq(not(tasks::completed)),
                    tasks::version.eq(tasks::version + 1),
                    tasks::updated_at.eq(clock_timestamp()),
                );
                let update = diesel::update(owned_by(&owner).filter(tasks::id.eq(id.as_uuid()))).set(set).into_boxed();
                let update = at_version!(update, expected).returning(TaskRow::as_returning());
                Noted::one(update, claim).load(&mut &*connection).await
            }
            .boxed()
        });
        self.changed(rows.await?, id, expected).await
    }

    /// Makes a task completed or pending. One that is so already keeps its version.
    pub async fn set_completed(&self, id: TaskId, completed: bool, expected: Option<i64>) -> Result<Changed<Task>> {
        let write = json!(["set_completed", id.as_uuid(), completed, expected]);
        let rows = self.write(&write, move |owner, claim, connection| {
            async move {
                let changes = tasks::completed.ne(completed);
                let set = (
                    tasks::completed.eq(completed),
                    tasks::version.eq(case_when(changes, tasks::version + 1).otherwise(tasks::version)),
                    tasks::updated_at.eq(case_when(changes, clock_timestamp()).otherwise(tasks::updated_at)),
                );
                let update = diesel::update(owned_by(&owner).filter(tasks::id.eq(id.as_uuid()))).set(set).into_boxed();
                let update = at_version!(update, expected).returning(TaskRow::as_returning());
                Noted::one(update, claim).load(&mut &*connection).await
            }
            .boxed()
        });
        self.changed(rows.await?, id, expected).await
    }

    /// Does a write, or if this request was carried out before, says what came of it then. `write` is all that it
    /// depends on.
    pub(super) async fn write(&self, write: &Value, work: impl Write) -> Result<Vec<TaskRow>> {
        let owner = self.user.shared_id();
        let claim = self.once.as_ref().map(|once| once.claim(owner, write));
        let work = Arc::new(work);
        for _ in 0..CLAIMS {
            let (work, for_work) = (Arc::clone(&work), claim.clone());
            let done = self
                .pool
                .write(owner, claim.clone(), move |owner, connection| work(owner, for_work.clone(), connection));
            if let Some(rows) = done.await? {
                return Ok(rows);
            }
            if let (Some(once), Some(claim)) = (&self.once, &claim)
                && let Some(rows) = self.done_before(claim).await?
            {
                once.note_replay();
                return Ok(rows);
            }
        }
        Err(Error::unavailable("an idempotency key that is neither free nor taken"))
    }

    /// What was done under this key; `None` if it is free again by now.
    async fn done_before(&self, claim: &Claim) -> Result<Option<Vec<TaskRow>>> {
        let wanted = claim.clone();
        let found = self.pool.read(self.user.shared_id(), move |owner, connection| {
            let wanted = wanted.clone();
            async move { page::done_under(&owner, &wanted).first(&mut &*connection).await.optional() }.boxed()
        });
        let Some((fingerprint, outcome)): Option<(Vec<u8>, Option<Value>)> = found.await? else { return Ok(None) };
        if *fingerprint != *claim.fingerprint {
            return Err(Error::idempotency_key_reused());
        }
        serde_json::from_value(outcome.unwrap_or_default()).map(Some).map_err(Error::internal)
    }

    /// The task that was changed, or why there is none: no such task, or one at another version.
    async fn changed(&self, rows: Vec<TaskRow>, id: TaskId, expected: Option<i64>) -> Result<Changed<Task>> {
        if let Some(task) = only(rows) {
            return Ok(Changed::Done(task));
        }
        let current = if expected.is_some() { self.find(id).await? } else { None };
        Ok(current.map_or(Changed::Absent, Changed::Conflict))
    }
}

fn only(rows: Vec<TaskRow>) -> Option<Task> {
    rows.into_iter().next().map(Into::into)
}

impl fmt::Debug for UserTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserTasks").field("user", &self.user).finish_non_exhaustive()
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = tasks)]
struct Changes {
    title: Option<String>,
    description: Option<Option<String>>,
    completed: Option<bool>,
}

define_sql_function! {
    /// Now, not when the transaction began: a change that waited for another one is dated after it.
    fn clock_timestamp() -> Timestamptz;
}

/// The rows found with one more than the limit, as a page of at most that many in the list's order. What a cursor stands
/// for lies on the other side of it, so there the list goes on.
fn cut(mut rows: Vec<TaskRow>, request: &PageRequest) -> Page {
    let limit = usize::try_from(request.limit.get()).unwrap_or(usize::MAX);
    let goes_on = rows.len() > limit;
    rows.truncate(limit);
    if request.from_end {
        rows.reverse();
    }
    let has_next = request.before.is_some() || goes_on && !request.from_end;
    let has_previous = request.after.is_some() || request.offset.get() > 0 || goes_on && request.from_end;
    Page { tasks: rows.into_iter().map(Into::into).collect(), has_next, has_previous }
}
