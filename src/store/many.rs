//! Changes to many of a user's tasks at once, each one statement like those to one task: all are done, or none.

use std::sync::Arc;

use diesel::{
    QueryResult,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, Bool, Nullable, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use futures::FutureExt;
use serde_json::json;

use super::{
    claim::Noted,
    page::owned_by,
    rows::TaskRow,
    schema::tasks,
    tasks::{UserTasks, clock_timestamp},
};
use crate::{
    error::Result,
    task::{Description, NewTask, Task, TaskId, Title},
};

impl UserTasks {
    /// Adds tasks; they come back in the order they were given.
    pub async fn insert_many(&self, new: Vec<NewTask>) -> Result<Vec<Task>> {
        let insert = InsertMany::new(new);
        let write = json!(["insert_many", insert.titles, insert.descriptions, insert.completed]);
        let insert = Arc::new(insert);
        let rows = self.write(&write, move |owner, claim, connection| {
            let insert = Arc::clone(&insert);
            async move {
                let insert = Insert { owner: &owner, many: &insert };
                Noted::many(insert, claim).load(&mut &*connection).await
            }
            .boxed()
        });
        Ok(in_order(rows.await?))
    }

    /// Makes every pending task completed. Those come back, oldest first.
    pub async fn complete_all(&self) -> Result<Vec<Task>> {
        let write = json!(["complete_all"]);
        let rows = self.write(&write, move |owner, claim, connection| {
            async move {
                let set = (
                    tasks::completed.eq(true),
                    tasks::version.eq(tasks::version + 1),
                    tasks::updated_at.eq(clock_timestamp()),
                );
                let update = diesel::update(owned_by(&owner).filter(tasks::completed.eq(false))).set(set);
                Noted::many(update.returning(TaskRow::as_returning()), claim).load(&mut &*connection).await
            }
            .boxed()
        });
        Ok(in_order(rows.await?))
    }

    /// Deletes every completed task. What they were called comes back, oldest first.
    pub async fn clear_completed(&self) -> Result<Vec<TaskId>> {
        let write = json!(["clear_completed"]);
        let rows = self.write(&write, move |owner, claim, connection| {
            async move {
                let delete = diesel::delete(owned_by(&owner).filter(tasks::completed.eq(true)));
                Noted::many(delete.returning(TaskRow::as_returning()), claim).load(&mut &*connection).await
            }
            .boxed()
        });
        Ok(in_order(rows.await?).into_iter().map(|task| task.id).collect())
    }

    /// Makes these tasks completed if all of them are there; else none comes back. One that is completed already keeps
    /// its version. No id may come twice.
    pub async fn complete_many(&self, ids: Vec<TaskId>) -> Result<Vec<Task>> {
        self.change_many("complete_many", COMPLETE, ids).await
    }

    /// Deletes these tasks if all of them are there; else none comes back. No id may come twice.
    pub async fn delete_many(&self, ids: Vec<TaskId>) -> Result<Vec<Task>> {
        self.change_many("delete_many", "DELETE FROM tasks", ids).await
    }

    async fn change_many(&self, name: &str, change: &'static str, ids: Vec<TaskId>) -> Result<Vec<Task>> {
        let ids: Arc<Vec<uuid::Uuid>> = Arc::new(ids.into_iter().map(TaskId::as_uuid).collect());
        let write = json!([name, ids]);
        let rows = self.write(&write, move |owner, claim, connection| {
            let ids = Arc::clone(&ids);
            async move {
                let change = ChangeAll { change, owner: &owner, ids: &ids };
                Noted::one(change, claim).load(&mut &*connection).await
            }
            .boxed()
        });
        Ok(in_order(rows.await?))
    }
}

const COMPLETE: &str = "UPDATE tasks SET completed = true, \
    version = CASE WHEN completed THEN version ELSE version + 1 END, \
    updated_at = CASE WHEN completed THEN updated_at ELSE clock_timestamp() END";

/// A change to all of these tasks, or if one is missing to none. They are locked first, in the same order by whoever
/// does so, and counted: what was there can't be gone when its turn comes.
struct ChangeAll<'a> {
    change: &'static str,
    owner: &'a str,
    ids: &'a Vec<uuid::Uuid>,
}

impl ChangeAll<'_> {
    fn push_which<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" WHERE user_id = ");
        out.push_bind_param::<Text, str>(self.owner)?;
        out.push_sql(" AND id = ANY(");
        out.push_bind_param::<Array<Uuid>, _>(self.ids)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Pg> for ChangeAll<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.change);
        self.push_which(&mut out)?;
        out.push_sql(" AND cardinality(");
        out.push_bind_param::<Array<Uuid>, _>(self.ids)?;
        out.push_sql(") = (SELECT count(*) FROM (SELECT FROM tasks");
        self.push_which(&mut out)?;
        out.push_sql(" ORDER BY id FOR UPDATE) AS present) RETURNING ");
        out.push_sql(COLUMNS);
        Ok(())
    }
}

impl Query for ChangeAll<'_> {
    type SqlType = <<tasks::table as diesel::Table>::AllColumns as Expression>::SqlType;
}

/// Told apart by its SQL.
impl QueryId for ChangeAll<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The columns of a task in the order of its rows.
const COLUMNS: &str = "user_id, id, title, description, completed, version, created_at, updated_at";

/// Ids grow with time, also those made in the same millisecond.
fn in_order(rows: Vec<TaskRow>) -> Vec<Task> {
    let mut tasks: Vec<Task> = rows.into_iter().map(Into::into).collect();
    tasks.sort_unstable_by_key(|task| task.id.as_uuid());
    tasks
}

/// New tasks by column.
#[derive(Default)]
struct InsertMany {
    ids: Vec<uuid::Uuid>,
    titles: Vec<String>,
    descriptions: Vec<Option<String>>,
    completed: Vec<bool>,
}

impl InsertMany {
    fn new(new: Vec<NewTask>) -> Self {
        let mut many = Self::default();
        for NewTask { title, description, completed } in new {
            many.ids.push(TaskId::generate().as_uuid());
            many.titles.push(Title::into_string(title));
            many.descriptions.push(description.map(Description::into_string));
            many.completed.push(completed);
        }
        many
    }
}

/// However many tasks there are, the statement is the same, and is prepared once. diesel's own would have as many
/// parameters as there are values.
struct Insert<'a> {
    owner: &'a str,
    many: &'a InsertMany,
}

impl QueryFragment<Pg> for Insert<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO tasks (user_id, id, title, description, completed) SELECT ");
        out.push_bind_param::<Text, str>(self.owner)?;
        out.push_sql(", * FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.many.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.many.titles)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.many.descriptions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.many.completed)?;
        out.push_sql(") RETURNING ");
        out.push_sql(COLUMNS);
        Ok(())
    }
}

impl Query for Insert<'_> {
    type SqlType = <<tasks::table as diesel::Table>::AllColumns as Expression>::SqlType;
}

impl QueryId for Insert<'_> {
    type QueryId = Insert<'static>;
}
