//! The task list as a connection (GraphQL Cursor Connections Specification).

use async_graphql::{Context, Object, SimpleObject, connection::PageInfo, parser::types::SelectionSet};

use super::{
    json::{Json, WriteJson, WriteObject, write_fields},
    task::Task,
};
use crate::{
    graphql::schema::context::{ContextExt, Nullable, nullable},
    resolvers,
    task::{self, Cursor, Filter, ListKey, Page},
};

/// A page of tasks.
pub(in crate::graphql) struct TaskConnection {
    /// `None` if nothing but the count is selected.
    page: Option<Page>,
    list: ListKey,
    filter: Filter,
}

impl TaskConnection {
    pub(in crate::graphql) fn new(page: Option<Page>, list: ListKey, filter: Filter) -> Self {
        Self { page, list, filter }
    }

    fn tasks(&self) -> &[task::Task] {
        self.page.as_ref().map_or(&[], |page| &page.tasks)
    }
}

/// A page of a task list.
#[Object]
impl TaskConnection {
    /// The tasks with their cursors.
    async fn edges(&self) -> Json<Vec<Edge<'_>>> {
        Json(self.tasks().iter().map(|task| Edge { task, list: self.list }).collect())
    }

    /// The tasks.
    async fn nodes(&self) -> Json<&[task::Task]> {
        Json(self.tasks())
    }

    /// Whether there are pages before and after this one.
    async fn page_info(&self) -> PageInfo {
        let cursor = |task: Option<&task::Task>| task.map(|task| Cursor::of(task, self.list).to_string());
        PageInfo {
            has_previous_page: self.page.as_ref().is_some_and(|page| page.has_previous),
            has_next_page: self.page.as_ref().is_some_and(|page| page.has_next),
            start_cursor: cursor(self.tasks().first()),
            end_cursor: cursor(self.tasks().last()),
        }
    }

    /// The number of tasks in the whole list, counted only if selected; null if counting failed.
    async fn total_count(&self, ctx: &Context<'_>) -> Nullable<i64> {
        nullable(async {
            if let Some(total) = self.page.as_ref().and_then(Page::whole) {
                return Ok(total);
            }
            let counts = resolvers::counts(ctx.tasks()?, self.filter.clone()).await?;
            Ok(counts.of(self.filter.status))
        })
        .await
    }
}

/// A task and its cursor.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TaskEdge {
    /// The `after` or `before` of another page of the same list: sort, status, search and filter. Opaque.
    cursor: String,
    /// The task.
    node: Task,
}

struct Edge<'a> {
    task: &'a task::Task,
    list: ListKey,
}

impl WriteObject for Edge<'_> {
    type Type = TaskEdge;

    fn write_object(&self, set: &SelectionSet, json: &mut Vec<u8>) {
        write_fields::<TaskEdge>(set, json, |field, json| match field.name.node.as_str() {
            "node" => self.task.write_object(&field.selection_set.node, json),
            _ => Cursor::of(self.task, self.list).to_string().write(json),
        });
    }
}
