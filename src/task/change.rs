//! The change feed: what happened to a user's tasks, in commit order.
//!
//! A feed has each task's latest state, not every state in between. A client that applies its items in order, by id, keeps a
//! replica of the tasks. After the last page, the replica equals the server's state at one instant.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{FeedCursor, Task, TaskId};

/// A task's latest change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The task was created or changed.
    Task(Task),
    /// The task was deleted.
    Deleted(DeletedTask),
}

/// A tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTask {
    /// The task's id.
    pub id: TaskId,
    /// The task's last version plus 1, so that a deletion supersedes every state of the task.
    pub version: i64,
    /// The position of the deletion in the user's feed.
    pub position: i64,
    /// When the task was deleted.
    pub deleted_at: DateTime<Utc>,
}

/// A page of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The changes in the order of the feed, at most one for each task.
    pub items: Vec<Change>,
    /// Where the next page starts.
    pub cursor: FeedCursor,
    /// Whether there were more changes when the page was read.
    pub has_more: bool,
    /// Whether the replica must be discarded before the items are applied, because the cursor was no longer usable.
    pub reset: bool,
}

/// The position of a change in its user's feed. Later changes have greater positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From a sequence; all changes of a transaction have the same number.
    pub number: i64,
    /// The task, which breaks ties between changes with the same number.
    pub id: Uuid,
}

impl Change {
    /// The task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        match self {
            Self::Task(task) => task.id,
            Self::Deleted(task) => task.id,
        }
    }

    /// Its position in the feed.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Task(task) => Position { number: task.position, id: task.id.as_uuid() },
            Self::Deleted(task) => Position { number: task.position, id: task.id.as_uuid() },
        }
    }

    /// When it happened.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        match self {
            Self::Task(task) => task.updated_at,
            Self::Deleted(task) => task.deleted_at,
        }
    }
}
