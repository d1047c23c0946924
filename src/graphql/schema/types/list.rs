//! Arguments of task lists.

use async_graphql::Enum;

use crate::{
    graphql::schema::error::{FieldErrors, GraphqlError},
    task::{self, Cursor, Filter, Limit, PageRequest, Search, SortColumn, Violation},
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

/// A sort order. Ties are broken by id, in the same direction.
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
        }
    }
}

/// Which tasks, in which order. An explicit null means the default, like an omitted argument.
pub(in crate::graphql::schema) struct ListArgs {
    pub(in crate::graphql::schema) status: Option<TaskStatusFilter>,
    pub(in crate::graphql::schema) sort: Option<TaskSort>,
    pub(in crate::graphql::schema) search: Option<String>,
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
        let mut cursor =
            |name, text: Option<String>| text.and_then(|text| errors.check(name, Cursor::parse(&text, sort)));
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
        (Filter { status, search }, self.sort.map(Into::into).unwrap_or_default())
    }
}
