//! Lists of tasks: filters, sorts and pages.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Cursor, Priority, Search, Tag, Task, Violation};

/// The page size of GraphQL and of event streams, unless another one is asked for. REST's is [`MAX_LIMIT`], as in the older
/// backends.
pub const DEFAULT_PAGE: i64 = 100;
/// Maximum offset. The database has to read what it skips.
pub const MAX_OFFSET: i64 = 1_000_000;
/// Maximum page size.
pub const MAX_LIMIT: i64 = 1000;

/// Selects tasks by whether they are completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskStatus {
    /// Completed or not.
    #[default]
    All,
    /// Not completed.
    Pending,
    /// Completed.
    Completed,
}

impl TaskStatus {
    /// The required value of `completed`; `None` for any.
    #[must_use]
    pub const fn completed(self) -> Option<bool> {
        match self {
            Self::All => None,
            Self::Pending => Some(false),
            Self::Completed => Some(true),
        }
    }
}

/// The column that a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortColumn {
    /// When the task was created.
    #[default]
    Created,
    /// When the task last changed.
    Updated,
    /// The title, in the database's collation.
    Title,
    /// The priority. Tasks without one come last in either direction.
    Priority,
    /// When the task is due. Tasks without a due date come last in either direction.
    Due,
}

impl SortColumn {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Created, Self::Updated, Self::Title, Self::Priority, Self::Due];
}

/// The order of a list. Ties are broken by id, in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSort {
    /// The column.
    pub column: SortColumn,
    /// Whether greater values come first.
    pub descending: bool,
}

impl TaskSort {
    /// Smaller values first.
    #[must_use]
    pub const fn ascending(column: SortColumn) -> Self {
        Self { column, descending: false }
    }

    /// Greater values first.
    #[must_use]
    pub const fn descending(column: SortColumn) -> Self {
        Self { column, descending: true }
    }
}

impl Default for TaskSort {
    /// Newest first.
    fn default() -> Self {
        Self::descending(SortColumn::Created)
    }
}

/// Selects some of a user's tasks.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// By whether they are completed.
    pub status: TaskStatus,
    /// By text that the title or description must contain, ignoring case.
    pub search: Option<Search>,
    /// By priority: the levels of those that are wanted, if not any.
    pub priorities: Option<Vec<i16>>,
    /// By tags, in folded case.
    pub tags: Vec<TagsMatch>,
    /// Only tasks that are due before this.
    pub due_before: Option<DateTime<Utc>>,
    /// Only tasks that are due at this or later.
    pub due_after: Option<DateTime<Utc>>,
    /// By whether they have a due date.
    pub has_due: Option<bool>,
}

/// Selects tasks by their tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagsMatch {
    /// Tasks that have one of these.
    Any(Vec<String>),
    /// Tasks that have all of these.
    All(Vec<String>),
}

impl TagsMatch {
    /// Tasks that have one of these tags.
    #[must_use]
    pub fn any(tags: Vec<Tag>) -> Self {
        Self::Any(keys(tags))
    }

    /// Tasks that have all of these tags.
    #[must_use]
    pub fn all(tags: Vec<Tag>) -> Self {
        Self::All(keys(tags))
    }
}

/// In an order that doesn't depend on that of the input, since cursors belong to a filter.
fn keys(tags: Vec<Tag>) -> Vec<String> {
    let mut keys: Vec<_> = tags.into_iter().map(Tag::into_key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl Filter {
    /// The levels of these priorities.
    #[must_use]
    pub fn levels(priorities: impl IntoIterator<Item = Priority>) -> Vec<i16> {
        let mut levels: Vec<_> = priorities.into_iter().map(Priority::level).collect();
        levels.sort_unstable();
        levels.dedup();
        levels
    }
}

/// A page size, 1 to [`MAX_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(i64);

impl Limit {
    /// The page size of an event stream.
    pub const STREAMED: Self = Self(DEFAULT_PAGE);

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// A page size that may be 0: such a page is empty, but says whether there are tasks.
    pub fn or_zero(limit: i64) -> Result<Self, Violation> {
        match limit {
            ..0 => Err(Violation::TooSmall(0)),
            0 => Ok(Self(0)),
            limit => Self::try_from(limit),
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(MAX_LIMIT)
    }
}

impl TryFrom<i64> for Limit {
    type Error = Violation;

    fn try_from(limit: i64) -> Result<Self, Violation> {
        match limit {
            ..=0 => Err(Violation::TooSmall(1)),
            1..=MAX_LIMIT => Ok(Self(limit)),
            _ => Err(Violation::TooLarge(MAX_LIMIT)),
        }
    }
}

/// The number of tasks to skip, 0 to [`MAX_OFFSET`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset(i64);

impl Offset {
    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Offset {
    type Error = Violation;

    fn try_from(offset: i64) -> Result<Self, Violation> {
        match offset {
            ..0 => Err(Violation::TooSmall(0)),
            0..=MAX_OFFSET => Ok(Self(offset)),
            _ => Err(Violation::TooLarge(MAX_OFFSET)),
        }
    }
}

/// Selects a page of a sorted list.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// The order.
    pub sort: TaskSort,
    /// Maximum number of tasks.
    pub limit: Limit,
    /// Only tasks after this position.
    pub after: Option<Cursor>,
    /// Only tasks before this position.
    pub before: Option<Cursor>,
    /// For older clients: unlike cursors, offsets shift when tasks are added.
    pub offset: Offset,
    /// Whether to return the last tasks instead of the first.
    pub from_end: bool,
    /// Whether to also count the whole list, which takes longer for longer lists.
    pub with_total: bool,
}

/// A page of a sorted list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The tasks, in the list's order.
    pub tasks: Vec<Task>,
    /// Whether more tasks follow.
    pub has_next: bool,
    /// Whether tasks precede the page.
    pub has_previous: bool,
    /// The number of tasks in the whole list, if requested.
    pub total: Option<i64>,
}

impl Page {
    /// The number of tasks in the whole list, if this page is all of it.
    #[must_use]
    pub fn whole(&self) -> Option<i64> {
        if self.has_next || self.has_previous { None } else { i64::try_from(self.tasks.len()).ok() }
    }
}
