//! One user's tasks. Every query names the owner, and row-level security says it again.

use std::{fmt, sync::Arc};

use diesel::{
    define_sql_function,
    dsl::{case_when, not},
    prelude::*,
};
use diesel_async::RunQueryDsl;
use futures::FutureExt;

use super::{
    page::{self, owned_by},
    pool::Pool,
    prepared::Prepared,
    rows::TaskRow,
    schema::tasks,
};
use crate::{
    auth::CurrentUser,
    error::Result,
    task::{Description, Filter, NewTask, Page, PageRequest, Search, Task, TaskCounts, TaskId, TaskPatch, Title},
};

/// The tasks of one user, and of no other. Only [`super::Db::tasks`] makes one.
#[derive(Clone)]
pub struct UserTasks {
    pool: Pool,
    user: CurrentUser,
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
        Self { pool, user }
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
        let new = Arc::new((TaskId::generate(), new));
        let row = self.pool.write(self.user.shared_id(), move |owner, connection| {
            let new = Arc::clone(&new);
            async move {
                let (id, new) = &*new;
                // Not a struct: diesel writes DEFAULT for its absent fields, and doesn't keep that prepared.
                let values = (
                    tasks::user_id.eq(&*owner),
                    tasks::id.eq(id.as_uuid()),
                    tasks::title.eq(new.title.as_str()),
                    tasks::description.eq(new.description.as_ref().map(Description::as_str)),
                    tasks::completed.eq(new.completed),
                );
                let insert = diesel::insert_into(tasks::table).values(values).returning(TaskRow::as_returning());
                insert.get_result::<TaskRow>(&mut &*connection).await
            }
            .boxed()
        });
        Ok(row.await?.into())
    }

    /// Changes a task, if it is at the expected version. The patch must not be empty.
    pub async fn update(&self, id: TaskId, patch: TaskPatch, expected: Option<i64>) -> Result<Changed<Task>> {
        let changes = Arc::new(Changes {
            title: patch.title.map(Title::into_string),
            description: patch.description.map(|text| text.map(Description::into_string)),
            completed: patch.completed,
        });
        let row = self.pool.write(self.user.shared_id(), move |owner, connection| {
            let changes = Arc::clone(&changes);
            async move {
                let set = (&*changes, tasks::version.eq(tasks::version + 1), tasks::updated_at.eq(clock_timestamp()));
                let mut update =
                    diesel::update(owned_by(&owner).filter(tasks::id.eq(id.as_uuid()))).set(set).into_boxed();
                if let Some(expected) = expected {
                    update = update.filter(tasks::version.eq(expected));
                }
                let update = Prepared(update.returning(TaskRow::as_returning()));
                update.get_result::<TaskRow>(&mut &*connection).await.optional()
            }
            .boxed()
        });
        match row.await? {
            Some(row) => Ok(Changed::Done(row.into())),
            None => self.unchanged(id, expected).await,
        }
    }

    /// Deletes a task, if it is at the expected version.
    pub async fn delete(&self, id: TaskId, expected: Option<i64>) -> Result<Changed<()>> {
        let count = self.pool.write(self.user.shared_id(), move |owner, connection| {
            async move {
                let mut delete = diesel::delete(owned_by(&owner).filter(tasks::id.eq(id.as_uuid()))).into_boxed();
                if let Some(expected) = expected {
                    delete = delete.filter(tasks::version.eq(expected));
                }
                delete.execute(&mut &*connection).await
            }
            .boxed()
        });
        if count.await? > 0 { Ok(Changed::Done(())) } else { self.unchanged(id, expected).await }
    }

    /// Turns a task from pending to completed or back, in one statement: concurrent toggles all count.
    pub async fn toggle(&self, id: TaskId, expected: Option<i64>) -> Result<Changed<Task>> {
        let row = self.pool.write(self.user.shared_id(), move |owner, connection| {
            async move {
                let set = (
                    tasks::completed.eq(not(tasks::completed)),
                    tasks::version.eq(tasks::version + 1),
                    tasks::updated_at.eq(clock_timestamp()),
                );
                let mut update =
                    diesel::update(owned_by(&owner).filter(tasks::id.eq(id.as_uuid()))).set(set).into_boxed();
                if let Some(expected) = expected {
                    update = update.filter(tasks::version.eq(expected));
                }
                let update = Prepared(update.returning(TaskRow::as_returning()));
                update.get_result::<TaskRow>(&mut &*connection).await.optional()
            }
            .boxed()
        });
        match row.await? {
            Some(row) => Ok(Changed::Done(row.into())),
            None => self.unchanged(id, expected).await,
        }
    }

    /// Makes a task completed or pending. One that is so already keeps its version.
    pub async fn set_completed(&self, id: TaskId, completed: bool, expected: Option<i64>) -> Result<Changed<Task>> {
        let row = self.pool.write(self.user.shared_id(), move |owner, connection| {
            async move {
                let changes = tasks::completed.ne(completed);
                let set = (
                    tasks::completed.eq(completed),
                    tasks::version.eq(case_when(changes, tasks::version + 1).otherwise(tasks::version)),
                    tasks::updated_at.eq(case_when(changes, clock_timestamp()).otherwise(tasks::updated_at)),
                );
                let mut update =
                    diesel::update(owned_by(&owner).filter(tasks::id.eq(id.as_uuid()))).set(set).into_boxed();
                if let Some(expected) = expected {
                    update = update.filter(tasks::version.eq(expected));
                }
                let update = Prepared(update.returning(TaskRow::as_returning()));
                update.get_result::<TaskRow>(&mut &*connection).await.optional()
            }
            .boxed()
        });
        match row.await? {
            Some(row) => Ok(Changed::Done(row.into())),
            None => self.unchanged(id, expected).await,
        }
    }

    /// Why a change found nothing to do: no such task, or one at another version.
    async fn unchanged<T>(&self, id: TaskId, expected: Option<i64>) -> Result<Changed<T>> {
        let current = if expected.is_some() { self.find(id).await? } else { None };
        Ok(current.map_or(Changed::Absent, Changed::Conflict))
    }
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
