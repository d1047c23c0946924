//! The domain's types. A value that exists is valid: the constructors enforce the rules.

mod change;
mod cursor;
mod due;
mod feed_cursor;
mod field_error;
mod idempotency;
mod list;
mod priority;
mod push;
mod tags;
mod text;
mod time;
mod trash;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use uuid::{Uuid, Variant};

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
    push::{
        Merged, PushRefusal, PushTime, Pushed, PushedChange, Pushes, Refusal, Side, TaskPush, TaskState, merge,
        states_of,
    },
    tags::{InvalidTag, MAX_TAG, MAX_TAGS, Tag, Tags},
    text::{Description, MAX_DESCRIPTION, MAX_SEARCH, MAX_TITLE, Search, Title},
    time::rfc3339,
    trash::{TrashPage, TrashRequest, TrashedTask},
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

    /// Parses an id that a client made for a new task.
    pub fn of_new(text: &str) -> Result<Self, Violation> {
        text.parse().and_then(Self::check_new)
    }

    /// An id for a new task must be one that nobody else makes: of version 4 or 7.
    pub fn check_new(self) -> Result<Self, Violation> {
        let is_rfc = self.0.get_variant() == Variant::RFC4122;
        let is_unique = is_rfc && matches!(self.0.get_version_num(), 4 | 7);
        is_unique.then_some(self).ok_or(Violation::Custom("must be a UUID of version 4 or 7"))
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

impl Task {
    /// The next version, with what clients have set in a changed one.
    fn next(&self, changed: Self, now: DateTime<Utc>) -> Self {
        let completed_at = if changed.completed == self.completed { self.completed_at } else { Some(now) };
        let completed_at = completed_at.filter(|_| changed.completed);
        Self { version: self.version + 1, updated_at: now, completed_at, ..changed }
    }
}

/// The input for a new task.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// The id, if the client made it.
    pub id: Option<TaskId>,
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

impl NewTask {
    /// The id, and the state to begin in.
    #[must_use]
    pub fn into_state(self) -> (Option<TaskId>, TaskState) {
        let Self { id, title, description, completed, priority, due, tags } = self;
        (id, TaskState { title, description, completed, priority, due, tags })
    }
}

/// A new task, or the one that was there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The task.
    pub task: Task,
    /// Whether it is new. A task of this id that says what is asked for isn't changed.
    pub is_new: bool,
}

/// A task that was made elsewhere.
#[derive(Clone, Debug)]
pub struct ImportedTask {
    /// The id, unique within its owner.
    pub id: TaskId,
    /// What it says.
    pub state: TaskState,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was completed, if that is known.
    pub completed_at: Option<DateTime<Utc>>,
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

    /// The task with this patch, whose change of the due date has led to this one.
    pub(crate) fn apply(self, task: &Task, due: Option<Due>, now: DateTime<Utc>) -> Task {
        let Self { title, description, completed, priority, due: _, tags } = self;
        let old = task.clone();
        let changed = Task {
            title: title.map_or(old.title, Title::into_string),
            description: description.map_or(old.description, |text| text.map(Description::into_string)),
            completed: completed.unwrap_or(old.completed),
            priority: priority.unwrap_or(old.priority),
            tags: tags.map_or(old.tags, |tags| tags.into_parts().0),
            due,
            ..old
        };
        task.next(changed, now)
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
