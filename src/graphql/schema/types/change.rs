//! The change feed, as the query and the subscription of that name show it.

use async_graphql::{
    ID, Object, ServerError, SimpleObject, Union,
    parser::types::{Selection, SelectionSet},
};

use super::{
    json::{Column, Columns, Json, ResponseBudget, Row, Rows, WriteJson, write_list},
    task::{ByName, Task, Timestamp, by_name, object},
};
use crate::task::{self, Change};

object! {
    /// What is left of a deleted task.
    DeletedTask of task::DeletedTask, without position {
        /// The id it had.
        id: ID,
        /// One more than the version it had.
        version: i64,
        /// When it was deleted.
        deleted_at: Timestamp,
    }
}

/// A task as it is after its last change, or that it is gone.
#[derive(Union)]
pub(in crate::graphql) enum TaskChange {
    Task(Task),
    Deleted(DeletedTask),
}

/// A page of the change feed.
pub(in crate::graphql) struct Changes(task::Changes);

impl From<task::Changes> for Changes {
    fn from(changes: task::Changes) -> Self {
        Self(changes)
    }
}

/// A page of the change feed. Applying `items` in order, by id, to what `after` stood for makes a replica of the user's
/// tasks; when `hasMore` is false, it is what the server has.
#[Object]
impl Changes {
    /// What changed, each task once at most.
    async fn items(&self) -> Json<Items<'_>> {
        Json(Items(&self.0.items))
    }

    /// Opaque text: the next `after`.
    async fn cursor(&self) -> String {
        self.0.cursor.to_string()
    }

    /// Whether there is more to read already.
    async fn has_more(&self) -> bool {
        self.0.has_more
    }

    /// Whether to forget all tasks before applying `items`: what happened since `after` is no longer known, and this is
    /// the first page of everything.
    async fn reset(&self) -> bool {
        self.0.reset
    }
}

/// Written as JSON at once, like lists.
struct Items<'a>(&'a [Change]);

impl Rows for Items<'_> {
    type Type = Vec<TaskChange>;

    fn write(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError> {
        let tasks: Columns<task::Task> = columns(set, "Task");
        let deleted: Columns<task::DeletedTask> = columns(set, "DeletedTask");
        write_list(self.0, budget, |change, json| match change {
            Change::Task(task) => tasks.write(task, json),
            Change::Deleted(task) => deleted.write(task, json),
        })
    }
}

/// What is selected of one type. A plan has a fragment for each type of a union, and nothing beside them.
fn columns<T: Row>(set: &SelectionSet, type_name: &str) -> Columns<T> {
    let fragments = set.items.iter().filter_map(|item| match &item.node {
        Selection::InlineFragment(fragment) => Some(&fragment.node),
        _ => None,
    });
    let mut of_type = fragments.filter(|fragment| {
        fragment.type_condition.as_ref().is_some_and(|condition| condition.node.on.node == type_name)
    });
    of_type.next().map_or_else(Columns::new, |fragment| Columns::of(&fragment.selection_set.node))
}
