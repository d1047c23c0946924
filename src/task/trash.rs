//! The trash: deleted tasks that can be restored.

use chrono::{DateTime, Utc};

use super::{Cursor, Limit, ListKey, Search, Task};

/// A task in the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashedTask {
    /// What the task said, with the version and the position of its tombstone.
    pub task: Task,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
    /// When what it said will be gone.
    pub purge_at: DateTime<Utc>,
}

/// Selects a page of the trash.
#[derive(Clone, Debug, Default)]
pub struct TrashRequest {
    /// Text that the title or description must contain, ignoring case.
    pub search: Option<Search>,
    /// Maximum number of tasks.
    pub limit: Limit,
    /// Only tasks after this position.
    pub after: Option<Cursor>,
    /// Whether to also count all that match.
    pub with_total: bool,
}

impl TrashRequest {
    /// What cursors of this list belong to.
    #[must_use]
    pub fn key(&self) -> ListKey {
        ListKey::of_trash(self.search.as_ref())
    }
}

/// A page of the trash.
#[derive(Clone, Debug)]
pub struct TrashPage {
    /// The tasks, newest deletion first.
    pub tasks: Vec<TrashedTask>,
    /// Whether more tasks follow.
    pub has_next: bool,
    /// Whether tasks precede the page.
    pub has_previous: bool,
    /// The number of all that match, if requested.
    pub total: Option<i64>,
}

impl TrashPage {
    /// The number of all that match, if this page is all of it.
    #[must_use]
    pub fn whole(&self) -> Option<u64> {
        if self.has_next || self.has_previous { None } else { u64::try_from(self.tasks.len()).ok() }
    }
}
