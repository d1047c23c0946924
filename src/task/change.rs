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
    /// When it was made.
    pub time: DateTime<Utc>,
    /// The task: changes that were made together may have one time.
    pub id: Uuid,
}

impl Change {
    /// Where in the feed it is.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::Task(task) => Position { time: task.updated_at, id: task.id.as_uuid() },
            Self::Deleted(task) => Position { time: task.deleted_at, id: task.id.as_uuid() },
        }
    }
}
