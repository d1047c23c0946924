//! A list by pages, as the Relay cursor connection specification has it.

use async_graphql::{Context, Object, ServerError, SimpleObject, connection::PageInfo, parser::types::SelectionSet};

use super::{
    json::{Columns, Json, ResponseBudget, Rows, WriteJson},
    task::Task,
};
use crate::{
    graphql::schema::context::{ContextExt, Nullable, nullable},
    resolvers,
    task::{self, Cursor, Filter, Page, TaskSort},
};

/// A page of tasks.
pub(in crate::graphql) struct TaskConnection {
    /// `None` when nothing but the count is asked for.
    page: Option<Page>,
    sort: TaskSort,
    filter: Filter,
}

impl TaskConnection {
    pub(in crate::graphql) fn new(page: Option<Page>, sort: TaskSort, filter: Filter) -> Self {
        Self { page, sort, filter }
    }

    fn tasks(&self) -> &[task::Task] {
        self.page.as_ref().map_or(&[], |page| &page.tasks)
    }

    fn cursor(&self, task: Option<&task::Task>) -> Option<String> {
        task.map(|task| Cursor::of(task, self.sort).to_string())
    }
}

/// A page of a list of tasks.
#[Object]
impl TaskConnection {
    /// The tasks, each with its cursor.
    async fn edges(&self) -> Json<Edges<'_>> {
        Json(Edges { tasks: self.tasks(), sort: self.sort })
    }

    /// The tasks.
    async fn nodes(&self) -> Json<&[task::Task]> {
        Json(self.tasks())
    }

    /// Whether there are pages before and after this one.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.page.as_ref().is_some_and(|page| page.has_previous),
            has_next_page: self.page.as_ref().is_some_and(|page| page.has_next),
            start_cursor: self.cursor(self.tasks().first()),
            end_cursor: self.cursor(self.tasks().last()),
        }
    }

    /// Number of tasks in the whole list, counted only if selected; null if that failed.
    async fn total_count(&self, ctx: &Context<'_>) -> Nullable<i64> {
        nullable(async {
            if let Some(total) = self.page.as_ref().and_then(Page::whole) {
                return Ok(total);
            }
            let counts = resolvers::counts(ctx.tasks()?, self.filter.search.clone()).await?;
            Ok(counts.of(self.filter.status))
        })
        .await
    }
}

/// A task and its cursor.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TaskEdge {
    /// Opaque text for `after` and `before`, valid for the sort it was made for.
    cursor: String,
    /// The task.
    node: Task,
}

struct Edges<'a> {
    tasks: &'a [task::Task],
    sort: TaskSort,
}

impl Rows for Edges<'_> {
    type Type = Vec<TaskEdge>;

    fn write(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError> {
        let sort = self.sort;
        let columns = Columns::select(set, "TaskEdge", |field| match field.name.node.as_str() {
            "cursor" => Some(Box::new(move |task, json| Cursor::of(task, sort).to_string().write(json))),
            "node" => {
                let node = Columns::of(&field.selection_set.node);
                Some(Box::new(move |task, json| node.write(task, json)))
            }
            _ => None,
        });
        columns.write_all(self.tasks, budget)
    }
}
