//! A list by pages, as the Relay cursor connection specification has it.

use async_graphql::{Context, Object, SimpleObject, Value, connection::PageInfo, parser::types::SelectionSet};

use super::{
    context::ContextExt,
    json::{AtOnce, Fragments, Plain, object},
    types::Task,
};
use crate::{
    graphql::error::GraphqlError,
    resolvers,
    task::{Cursor, Filter, Page, TaskSort},
};

/// A page of tasks.
pub(in crate::graphql) struct TaskConnection {
    edges: Vec<TaskEdge>,
    has_next: bool,
    has_previous: bool,
    filter: Filter,
}

/// A task and its place in the list.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TaskEdge {
    /// The place: opaque text for `after` and `before`, good for the sort it was made with.
    cursor: String,
    /// The task.
    node: Task,
}

impl Plain for TaskEdge {
    fn show(&self, set: &SelectionSet, fragments: &Fragments) -> Value {
        object("TaskEdge", set, fragments, &|field| match field.name.node.as_str() {
            "cursor" => Value::String(self.cursor.clone()),
            "node" => self.node.show(&field.selection_set.node, fragments),
            _ => Value::Null,
        })
    }
}

impl TaskConnection {
    pub(in crate::graphql) fn new(page: Page, sort: TaskSort, filter: Filter) -> Self {
        let edge = |task| TaskEdge { cursor: Cursor::of(&task, sort).to_string(), node: task.into() };
        let edges = page.tasks.into_iter().map(edge).collect();
        Self { edges, has_next: page.has_next, has_previous: page.has_previous, filter }
    }
}

#[Object]
impl TaskConnection {
    /// The tasks, each with its cursor.
    async fn edges(&self) -> AtOnce<&Vec<TaskEdge>> {
        AtOnce(&self.edges)
    }

    /// The tasks.
    async fn nodes(&self) -> AtOnce<Vec<&Task>> {
        AtOnce(self.edges.iter().map(|edge| &edge.node).collect())
    }

    /// Where this page lies in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }

    /// How many tasks the whole list has. Counted only when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i64, GraphqlError> {
        let counts = resolvers::counts(ctx.tasks()?, self.filter.search.clone()).await?;
        Ok(counts.of(self.filter.status))
    }
}
