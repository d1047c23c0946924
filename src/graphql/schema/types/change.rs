//! The change feed: the query and the subscription `changes`.

use std::sync::Arc;

use async_graphql::{ID, Object, SimpleObject, Union, parser::types::SelectionSet};

use super::{
    json::{FlatObject, Json, WriteObject, fragment_on},
    task::{Task, Timestamp, object, write_value},
};
use crate::{
    graphql::schema::error::{FieldErrors, GraphqlError},
    task::{self, Change, Limit, Since},
};

object! {
    /// A tombstone: what is left of a deleted task.
    DeletedTask of task::DeletedTask, hides position {
        /// The task's id.
        id as "id": ID,
        /// The task's last version plus one.
        version as "version": i64,
        /// When the task was deleted.
        deleted_at as "deletedAt": Timestamp,
    }
}

/// A task in its latest state, or a tombstone.
#[derive(Union)]
#[expect(clippy::large_enum_variant, reason = "never made: only its type matters")]
pub(in crate::graphql) enum TaskChange {
    Task(Task),
    Deleted(DeletedTask),
}

impl WriteObject for Change {
    type Type = TaskChange;

    fn write_object(&self, set: &SelectionSet, json: &mut Vec<u8>) {
        match (self, fragment_on(set, "Task"), fragment_on(set, "DeletedTask")) {
            (Self::Task(task), Some(set), _) => task.write_object(set, json),
            (Self::Deleted(task), _, Some(set)) => task.write_object(set, json),
            _ => json.extend_from_slice(b"{}"),
        }
    }
}

/// A page of the change feed.
pub(in crate::graphql) struct Changes(Arc<task::Changes>);

impl From<Arc<task::Changes>> for Changes {
    fn from(changes: Arc<task::Changes>) -> Self {
        Self(changes)
    }
}

/// A page of the change feed. To keep a replica of the user's tasks, apply `items` in order, by id, to the state that
/// `after` stands for. When `hasMore` is false, the replica equals the server's state.
#[Object]
impl Changes {
    /// Changed tasks, each at most once.
    async fn items(&self) -> Json<&[Change]> {
        Json(&self.0.items)
    }

    /// The next `after`. Opaque.
    async fn cursor(&self) -> String {
        self.0.cursor.to_string()
    }

    /// Whether another page is available now.
    async fn has_more(&self) -> bool {
        self.0.has_more
    }

    /// Whether to discard the replica before applying `items`: the changes since `after` are no longer known, and this is
    /// the first page of all tasks.
    async fn reset(&self) -> bool {
        self.0.reset
    }
}

/// The arguments of the query.
pub(in crate::graphql::schema) fn feed_page(after: Option<String>, first: i64) -> Result<(Since, Limit), GraphqlError> {
    let mut errors = FieldErrors::default();
    let since = after.and_then(|text| errors.check("after", text.parse())).unwrap_or_default();
    let limit = errors.check("first", Limit::try_from(first)).unwrap_or_default();
    errors.none_or((since, limit))
}

/// The argument of the subscription.
pub(in crate::graphql::schema) fn feed_position(after: Option<String>) -> Result<Since, GraphqlError> {
    let mut errors = FieldErrors::default();
    let since = after.and_then(|text| errors.check("after", text.parse())).unwrap_or_default();
    errors.none_or(since)
}
