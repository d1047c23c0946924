//! The change feed: what happened to a user's tasks, in the order in which it was committed.
//!
//! A feed tells each task's latest state, not every state it went through. Applying its items in order to what was there
//! before, by id, makes a replica; once a page has no more behind it, the replica is what the server had at one instant.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{FeedCursor, Task, TaskId};

/// A task as it is after its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was created or changed.
    Task(Task),
    /// It is gone.
    Deleted(DeletedTask),
}

/// What is left of a deleted task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTask {
    /// The id it had.
    pub id: TaskId,
    /// One more than the version it had: of what is known of a task, the highest version counts.
    pub version: i64,
    /// The number of the deletion in its user's feed.
    pub position: i64,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
}

/// A page of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// What changed, in the order of the feed. A task is in it once at most.
    pub items: Vec<Change>,
    /// The position behind the page: where the next one starts.
    pub cursor: FeedCursor,
    /// Whether there was more already when the page was read.
    pub has_more: bool,
    /// The replica is to be emptied before the items are applied: its position is no longer known.
    pub reset: bool,
}

/// The place of a change in its user's feed. Later changes have larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Drawn from a sequence for each change, or for all changes of a transaction.
    pub number: i64,
    /// The task, for changes that have one number.
    pub id: Uuid,
}

impl Change {
    /// Where in the feed it is.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Task(task) => Position { number: task.position, id: task.id.as_uuid() },
            Self::Deleted(task) => Position { number: task.position, id: task.id.as_uuid() },
        }
    }

    /// When it was made.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        match self {
            Self::Task(task) => task.updated_at,
            Self::Deleted(task) => task.deleted_at,
        }
    }
}
