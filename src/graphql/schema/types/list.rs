//! Arguments of task lists.

use async_graphql::{Enum, InputObject};
use chrono::{DateTime, Utc};

use crate::{
    graphql::schema::{
        error::{FieldErrors, GraphqlError},
        types::task::{TaskPriority, Timestamp},
    },
    task::{
        self, Cursor, FieldError, Filter, Limit, ListKey, MAX_TAGS, PageRequest, Search, SortColumn, Tag, TagsMatch,
        Violation,
    },
};

/// Filters tasks by whether they are completed.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "task::TaskStatus")]
pub(in crate::graphql) enum TaskStatusFilter {
    /// All tasks.
    All,
    /// Tasks that are not completed.
    Pending,
    /// Completed tasks.
    Completed,
}

/// Filters tasks by their fields. A task must match all of what is given.
#[derive(Default, InputObject)]
pub(in crate::graphql) struct TaskFilter {
    /// Tasks with one of these priorities.
    priorities: Option<Vec<TaskPriority>>,
    /// Tasks with one of these tags, in any case; at most 20.
    tags_any: Option<Vec<String>>,
    /// Tasks with all of these tags, in any case; at most 20.
    tags_all: Option<Vec<String>>,
    /// Tasks that are due before this. A task that is due on a day is due at its end, in UTC; one that is due at a time without a
    /// zone, as if in UTC.
    due_before: Option<Timestamp>,
    /// Tasks that are due at this or later.
    due_after: Option<Timestamp>,
    /// Tasks that have a due date, or that have none.
    has_due: Option<bool>,
}

impl TaskFilter {
    fn check(self, errors: &mut FieldErrors) -> Filter {
        let priorities = self.priorities.map(|priorities| Filter::levels(priorities.into_iter().map(Into::into)));
        let any = self.tags_any.and_then(|words| tags(errors, "filter.tagsAny", words)).map(TagsMatch::any);
        let all = self.tags_all.and_then(|words| tags(errors, "filter.tagsAll", words));
        // Every task has all of no tags.
        let all = all.filter(|tags| !tags.is_empty()).map(TagsMatch::all);
        Filter {
            priorities,
            tags: any.into_iter().chain(all).collect(),
            due_before: self.due_before.and_then(|time| errors.check("filter.dueBefore", instant(&time))),
            due_after: self.due_after.and_then(|time| errors.check("filter.dueAfter", instant(&time))),
            has_due: self.has_due,
            ..Filter::default()
        }
    }
}

fn tags(errors: &mut FieldErrors, field: &'static str, words: Vec<String>) -> Option<Vec<Tag>> {
    if words.len() > MAX_TAGS {
        return errors.check(field, Err(Violation::TooMany(MAX_TAGS)));
    }
    let mut tags = Vec::with_capacity(words.len());
    for (index, word) in words.into_iter().enumerate() {
        match Tag::try_from(word) {
            Ok(tag) => tags.push(tag),
            Err(violation) => errors.0.push(FieldError::new(field, violation).in_item(Some(index))),
        }
    }
    Some(tags)
}

fn instant(time: &Timestamp) -> Result<DateTime<Utc>, Violation> {
    let instant = DateTime::parse_from_rfc3339(time.text()?).map_err(|_| Violation::DateTime)?;
    Ok(instant.to_utc())
}

/// A sort order. Ties are broken by id, in the same direction. Tasks without a priority or a due date come last in either direction
/// of a sort by these.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub(in crate::graphql) enum TaskSort {
    /// Oldest first.
    CreatedAsc,
    /// Newest first.
    CreatedDesc,
    /// Least recently updated first.
    UpdatedAsc,
    /// Most recently updated first.
    UpdatedDesc,
    /// By title, ascending.
    TitleAsc,
    /// By title, descending.
    TitleDesc,
    /// Least urgent first.
    PriorityAsc,
    /// Most urgent first.
    PriorityDesc,
    /// What is due earliest first.
    DueAsc,
    /// What is due latest first.
    DueDesc,
}

impl From<TaskSort> for task::TaskSort {
    fn from(sort: TaskSort) -> Self {
        match sort {
            TaskSort::CreatedAsc => Self::ascending(SortColumn::Created),
            TaskSort::CreatedDesc => Self::descending(SortColumn::Created),
            TaskSort::UpdatedAsc => Self::ascending(SortColumn::Updated),
            TaskSort::UpdatedDesc => Self::descending(SortColumn::Updated),
            TaskSort::TitleAsc => Self::ascending(SortColumn::Title),
            TaskSort::TitleDesc => Self::descending(SortColumn::Title),
            TaskSort::PriorityAsc => Self::ascending(SortColumn::Priority),
            TaskSort::PriorityDesc => Self::descending(SortColumn::Priority),
            TaskSort::DueAsc => Self::ascending(SortColumn::Due),
            TaskSort::DueDesc => Self::descending(SortColumn::Due),
        }
    }
}

/// Which tasks, in which order. An explicit null means the default, like an omitted argument.
pub(in crate::graphql::schema) struct ListArgs {
    pub(in crate::graphql::schema) status: Option<TaskStatusFilter>,
    pub(in crate::graphql::schema) sort: Option<TaskSort>,
    pub(in crate::graphql::schema) search: Option<String>,
    pub(in crate::graphql::schema) filter: Option<TaskFilter>,
}

/// Which page of a connection.
pub(in crate::graphql::schema) struct PageArgs {
    pub(in crate::graphql::schema) first: Option<i64>,
    pub(in crate::graphql::schema) after: Option<String>,
    pub(in crate::graphql::schema) last: Option<i64>,
    pub(in crate::graphql::schema) before: Option<String>,
}

impl ListArgs {
    /// Checks the arguments of a plain list.
    pub(in crate::graphql::schema) fn limited(self, limit: i64) -> Result<(Filter, PageRequest), GraphqlError> {
        let mut errors = FieldErrors::default();
        let (filter, sort) = self.check(&mut errors);
        let limit = errors.check("limit", Limit::try_from(limit)).unwrap_or_default();
        errors.none_or((filter, PageRequest { sort, limit, ..PageRequest::default() }))
    }

    /// Checks the arguments of a connection.
    pub(in crate::graphql::schema) fn paged(self, page: PageArgs) -> Result<(Filter, PageRequest), GraphqlError> {
        let mut errors = FieldErrors::default();
        let (filter, sort) = self.check(&mut errors);
        // Of which list the cursors must be is known only if the rest is valid.
        let key = errors.0.is_empty().then(|| ListKey::of(sort, &filter));
        let parse = |text: &str| key.map_or_else(|| text.parse(), |key| Cursor::parse(text, key));
        let mut cursor = |name, text: Option<String>| text.and_then(|text| errors.check(name, parse(&text)));
        let (after, before) = (cursor("after", page.after), cursor("before", page.before));
        let (limit, from_end) = match (page.first, page.last) {
            (Some(_), Some(_)) => {
                errors.check::<()>("last", Err(Violation::Custom("give `first` or `last`, not both")));
                (None, false)
            }
            (None, Some(last)) => (errors.check("last", Limit::or_zero(last)), true),
            (first, None) => (first.and_then(|first| errors.check("first", Limit::or_zero(first))), false),
        };
        let request =
            PageRequest { sort, limit: limit.unwrap_or_default(), after, before, from_end, ..PageRequest::default() };
        errors.none_or((filter, request))
    }

    fn check(self, errors: &mut FieldErrors) -> (Filter, task::TaskSort) {
        let search = self.search.and_then(|text| errors.check("search", Search::parse(text))).flatten();
        let status = self.status.map(Into::into).unwrap_or_default();
        let filter = self.filter.unwrap_or_default().check(errors);
        (Filter { status, search, ..filter }, self.sort.map(Into::into).unwrap_or_default())
    }
}
