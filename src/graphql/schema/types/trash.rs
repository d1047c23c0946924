//! The trash as a connection (GraphQL Cursor Connections Specification).

use async_graphql::{Context, ID, Object, SimpleObject, connection::PageInfo, parser::types::SelectionSet};

use super::{
    json::{FlatObject, Json, WriteJson, WriteObject, write_fields},
    task::{Due, TaskPriority, Timestamp},
};
use crate::{
    graphql::schema::{
        context::{ContextExt, Nullable, nullable},
        error::{FieldErrors, GraphqlError},
    },
    resolvers,
    task::{self, Cursor, Limit, ListKey, Search, TrashPage, TrashRequest},
};

/// A deleted task that can be restored.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TrashedTask {
    /// The task's id, which it keeps when it is restored.
    id: ID,
    /// The title.
    title: String,
    /// The description; null if there was none.
    description: Option<String>,
    /// Whether the task was completed.
    completed: bool,
    /// How urgent the task was.
    priority: TaskPriority,
    /// When the task was due; null if it had no due date.
    due: Option<Due>,
    /// The tags, as they were sent.
    tags: Vec<String>,
    /// The task's last version plus one. `restoreTask` compares `expectedVersion` with it.
    version: i64,
    /// When the task was created.
    created_at: Timestamp,
    /// When the task was completed; null if it was pending, and if it was completed before servers recorded this.
    completed_at: Option<Timestamp>,
    /// When the task was deleted.
    deleted_at: Timestamp,
    /// When it will be removed for good.
    purge_at: Timestamp,
}

impl FlatObject for task::TrashedTask {
    type Type = TrashedTask;
    const FIELDS: &'static [&'static str] = &[
        "id",
        "title",
        "description",
        "completed",
        "priority",
        "due",
        "tags",
        "version",
        "createdAt",
        "completedAt",
        "deletedAt",
        "purgeAt",
    ];

    fn write_field(&self, name: &str, set: Option<&SelectionSet>, json: &mut Vec<u8>) {
        match name {
            "deletedAt" => self.deleted_at.write(json),
            "purgeAt" => self.purge_at.write(json),
            name => self.task.write_field(name, set, json),
        }
    }
}

/// A page of the trash.
pub(in crate::graphql) struct TrashConnection {
    /// `None` if nothing but the count is selected.
    page: Option<TrashPage>,
    key: ListKey,
    search: Option<Search>,
}

impl TrashConnection {
    pub(in crate::graphql) fn new(page: Option<TrashPage>, request: TrashRequest) -> Self {
        Self { page, key: request.key(), search: request.search }
    }

    fn tasks(&self) -> &[task::TrashedTask] {
        self.page.as_ref().map_or(&[], |page| &page.tasks)
    }
}

/// A page of the trash.
#[Object]
impl TrashConnection {
    /// The tasks with their cursors.
    async fn edges(&self) -> Json<Vec<Edge<'_>>> {
        Json(self.tasks().iter().map(|node| Edge { node, key: self.key }).collect())
    }

    /// The tasks.
    async fn nodes(&self) -> Json<&[task::TrashedTask]> {
        Json(self.tasks())
    }

    /// Whether there are pages before and after this one.
    async fn page_info(&self) -> PageInfo {
        let cursor = |node: Option<&task::TrashedTask>| node.map(|node| Cursor::of(&node.task, self.key).to_string());
        PageInfo {
            has_previous_page: self.page.as_ref().is_some_and(|page| page.has_previous),
            has_next_page: self.page.as_ref().is_some_and(|page| page.has_next),
            start_cursor: cursor(self.tasks().first()),
            end_cursor: cursor(self.tasks().last()),
        }
    }

    /// The number of all tasks in the trash that match, counted only if selected; null if counting failed.
    async fn total_count(&self, ctx: &Context<'_>) -> Nullable<u64> {
        nullable(async {
            if let Some(total) = self.page.as_ref().and_then(TrashPage::whole) {
                return Ok(total);
            }
            Ok(resolvers::trash_total(ctx.tasks()?, self.search.clone()).await?)
        })
        .await
    }
}

/// A task in the trash and its cursor.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TrashEdge {
    /// The `after` of the next page of the same search. Opaque.
    cursor: String,
    /// The task.
    node: TrashedTask,
}

struct Edge<'a> {
    node: &'a task::TrashedTask,
    key: ListKey,
}

impl WriteObject for Edge<'_> {
    type Type = TrashEdge;

    fn write_object(&self, set: &SelectionSet, json: &mut Vec<u8>) {
        write_fields::<TrashEdge>(set, json, |field, json| match field.name.node.as_str() {
            "node" => self.node.write_object(&field.selection_set.node, json),
            _ => Cursor::of(&self.node.task, self.key).to_string().write(json),
        });
    }
}

/// The arguments of the query.
pub(in crate::graphql::schema) fn trash_page(
    first: i64,
    after: Option<String>,
    search: Option<String>,
) -> Result<TrashRequest, GraphqlError> {
    let mut errors = FieldErrors::default();
    let search = search.and_then(|text| errors.check("search", Search::parse(text))).flatten();
    let limit = errors.check("first", Limit::or_zero(first)).unwrap_or_default();
    let request = TrashRequest { search, limit, ..TrashRequest::default() };
    // Of which list the cursor must be is known only if the rest is valid.
    let key = errors.0.is_empty().then(|| request.key());
    let parse = |text: String| key.map_or_else(|| text.parse(), |key| Cursor::parse(&text, key));
    let after = after.and_then(|text| errors.check("after", parse(text)));
    errors.none_or(TrashRequest { after, ..request })
}
