//! The domain's types. A value that exists is valid: the constructors enforce the rules.

mod change;
mod cursor;
mod due;
mod feed_cursor;
mod field_error;
mod idempotency;
mod list;
mod priority;
mod tags;
mod text;
mod time;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::{
    change::{Change, Changes, DeletedTask, Position},
    cursor::{Cursor, ListKey, SortKey},
    due::{Due, DueChange, InvalidDue, TimeZone, parse_bound, parse_date, parse_time},
    feed_cursor::{Bounds, CURSOR_LIFETIME, FeedCursor, FeedHead, Since, TOMBSTONE_LIFETIME},
    field_error::{FieldError, ListItem, Violation},
    idempotency::{IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, IdempotencyKey, KEY_LIFETIME, MAX_KEY},
    list::{
        DEFAULT_PAGE, Filter, Limit, MAX_LIMIT, MAX_OFFSET, Offset, Page, PageRequest, SortColumn, TagsMatch, TaskSort,
        TaskStatus,
    },
    priority::Priority,
    tags::{InvalidTag, MAX_TAG, MAX_TAGS, Tag, Tags},
    text::{Description, MAX_DESCRIPTION, MAX_SEARCH, MAX_TITLE, Search, Title},
    time::rfc3339,
};

/// Maximum number of tasks in one bulk change.
pub const MAX_BULK: usize = 100;

/// A task's id, unique within its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskId(Uuid);

impl TaskId {
    /// Generates a UUIDv7, so that one server's ids increase over time.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for TaskId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for TaskId {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        Uuid::parse_str(text).map(Self).map_err(|_| Violation::Uuid)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A stored task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The owner's user id.
    pub user_id: String,
    /// Unique within its owner.
    pub id: TaskId,
    /// 1 to [`MAX_TITLE`] characters.
    pub title: String,
    /// At most [`MAX_DESCRIPTION`] characters.
    pub description: Option<String>,
    /// Whether it is completed.
    pub completed: bool,
    /// Starts at 1 and is incremented by each change.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The position of its last change in the user's feed.
    pub position: i64,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due, if ever.
    pub due: Option<Due>,
    /// At most [`MAX_TAGS`].
    pub tags: Vec<String>,
    /// When it was completed; `None` while it is pending, and if a release completed it that didn't record this.
    pub completed_at: Option<DateTime<Utc>>,
}

/// The input for a new task.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// The title.
    pub title: Title,
    /// The description, if any.
    pub description: Option<Description>,
    /// Whether it starts out completed.
    pub completed: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due, if ever.
    pub due: Option<Due>,
    /// The tags.
    pub tags: Tags,
}

/// A partial update: `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct TaskPatch {
    /// The new title.
    pub title: Option<Title>,
    /// The new description; `Some(None)` clears it.
    pub description: Option<Option<Description>>,
    /// The new state.
    pub completed: Option<bool>,
    /// The new priority.
    pub priority: Option<Priority>,
    /// The change of the due date.
    pub due: Option<DueChange>,
    /// The new tags.
    pub tags: Option<Tags>,
}

impl TaskPatch {
    /// Whether it leaves every field unchanged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { title, description, completed, priority, due, tags } = self;
        let texts = title.is_none() && description.is_none() && tags.is_none();
        texts && completed.is_none() && priority.is_none() && due.is_none()
    }
}

/// A tag, and how many tasks have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCount {
    /// The tag, in one of its spellings.
    pub name: String,
    /// Tasks that are not completed.
    pub pending: i64,
    /// All tasks.
    pub total: i64,
}

/// How many tasks a user has, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// Not completed.
    pub pending: i64,
    /// Completed.
    pub completed: i64,
}

impl TaskCounts {
    /// Pending and completed tasks.
    #[must_use]
    pub const fn all(self) -> i64 {
        self.pending + self.completed
    }

    /// The count for one status.
    #[must_use]
    pub const fn of(self, status: TaskStatus) -> i64 {
        match status {
            TaskStatus::All => self.all(),
            TaskStatus::Pending => self.pending,
            TaskStatus::Completed => self.completed,
        }
    }
}
