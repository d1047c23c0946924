//! Inputs and arguments, checked field by field.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::objects::{TaskSort, TaskStatusFilter};
use crate::{
    graphql::schema::error::GraphqlError,
    task::{
        self, Cursor, Description, FieldError, Filter, Limit, NewTask, PageRequest, Search, Since, TaskId, TaskPatch,
        Title, Violation,
    },
};

/// A new task.
#[derive(InputObject)]
pub(in crate::graphql) struct CreateTaskInput {
    /// 1 to 200 characters, not blank, no control characters.
    title: String,
    /// At most 1000 characters.
    description: Option<String>,
    /// Whether it is already done; false by default.
    #[graphql(default_with = "Some(false)")]
    completed: Option<bool>,
}

impl CreateTaskInput {
    pub(in crate::graphql) fn check(self) -> Result<NewTask, GraphqlError> {
        Ok(self.checked()?)
    }

    /// Checks each task; all field errors are reported, with the index of their task.
    pub(in crate::graphql) fn check_all(inputs: Vec<Self>) -> Result<Vec<NewTask>, GraphqlError> {
        let mut errors = FieldErrors::default();
        let checked = inputs.into_iter().enumerate().filter_map(|(index, input)| {
            input
                .checked()
                .map_err(|found| errors.0.extend(found.into_iter().map(|error| error.at("inputs", index))))
                .ok()
        });
        let checked = checked.collect();
        errors.none_or(checked)
    }

    fn checked(self) -> Result<NewTask, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let title = errors.take("title", Title::try_from(self.title));
        let description = self.description.and_then(|text| errors.take("description", Description::try_from(text)));
        match title {
            Some(title) if errors.0.is_empty() => {
                Ok(NewTask { title, description, completed: self.completed.unwrap_or_default() })
            }
            _ => Err(errors.0),
        }
    }
}

/// A change to a task. Omitted fields stay unchanged; give at least one.
#[derive(InputObject)]
pub(in crate::graphql) struct UpdateTaskInput {
    /// The new title: 1 to 200 characters, not blank, no control characters. It can't be null.
    title: MaybeUndefined<String>,
    /// The new description: at most 1000 characters. Null clears it.
    description: MaybeUndefined<String>,
    /// Whether it is done. It can't be null.
    completed: MaybeUndefined<bool>,
}

impl UpdateTaskInput {
    pub(in crate::graphql) fn check(self) -> Result<TaskPatch, GraphqlError> {
        let mut errors = FieldErrors::default();
        let title = errors.given("title", self.title, Violation::NotAString);
        let title = title.and_then(|text| errors.take("title", Title::try_from(text)));
        let completed = errors.given("completed", self.completed, Violation::NotABoolean);
        let description = match self.description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => errors.take("description", Description::try_from(text)).map(Some),
        };
        errors.none_or(TaskPatch { title, description, completed })
    }
}

/// The arguments of a plain list.
pub(in crate::graphql) struct ListArgs {
    pub(in crate::graphql) status: Option<TaskStatusFilter>,
    pub(in crate::graphql) sort: Option<TaskSort>,
    pub(in crate::graphql) search: Option<String>,
    pub(in crate::graphql) limit: i64,
}

impl ListArgs {
    pub(in crate::graphql) fn check(self) -> Result<(Filter, PageRequest), GraphqlError> {
        let mut errors = FieldErrors::default();
        let search = self.search.and_then(|text| errors.take("search", Search::parse(text))).flatten();
        let limit = errors.take("limit", Limit::try_from(self.limit)).unwrap_or_default();
        let filter = Filter { status: status(self.status), search };
        errors.none_or((filter, PageRequest { sort: sort(self.sort), limit, ..PageRequest::default() }))
    }
}

/// The arguments of a connection.
pub(in crate::graphql) struct ConnectionArgs {
    pub(in crate::graphql) status: Option<TaskStatusFilter>,
    pub(in crate::graphql) sort: Option<TaskSort>,
    pub(in crate::graphql) search: Option<String>,
    pub(in crate::graphql) first: Option<i64>,
    pub(in crate::graphql) after: Option<String>,
    pub(in crate::graphql) last: Option<i64>,
    pub(in crate::graphql) before: Option<String>,
}

impl ConnectionArgs {
    pub(in crate::graphql) fn check(self) -> Result<(Filter, PageRequest), GraphqlError> {
        let mut errors = FieldErrors::default();
        let sort = sort(self.sort);
        let search = self.search.and_then(|text| errors.take("search", Search::parse(text))).flatten();
        let mut cursor =
            |name, text: Option<String>| text.and_then(|text| errors.take(name, Cursor::parse(&text, sort)));
        let (after, before) = (cursor("after", self.after), cursor("before", self.before));
        let (limit, from_end) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                errors.take::<()>("last", Err(Violation::Combination("give `first` or `last`, not both")));
                (None, false)
            }
            (None, Some(last)) => (errors.take("last", Limit::or_zero(last)), true),
            (first, None) => (first.and_then(|first| errors.take("first", Limit::or_zero(first))), false),
        };
        let page =
            PageRequest { sort, limit: limit.unwrap_or_default(), after, before, from_end, ..PageRequest::default() };
        errors.none_or((Filter { status: status(self.status), search }, page))
    }
}

/// An explicit null is the default, like an omitted argument.
fn status(status: Option<TaskStatusFilter>) -> task::TaskStatus {
    status.map(Into::into).unwrap_or_default()
}

fn sort(sort: Option<TaskSort>) -> task::TaskSort {
    sort.map(Into::into).unwrap_or_default()
}

/// Which page of the change feed is asked for.
pub(in crate::graphql) fn feed_page(after: Option<String>, first: i64) -> Result<(Since, Limit), GraphqlError> {
    let mut errors = FieldErrors::default();
    let since = after.and_then(|text| errors.take("after", text.parse())).unwrap_or_default();
    let limit = errors.take("first", Limit::try_from(first)).unwrap_or_default();
    errors.none_or((since, limit))
}

/// From where the change feed is streamed.
pub(in crate::graphql) fn feed_position(after: Option<String>) -> Result<Since, GraphqlError> {
    let mut errors = FieldErrors::default();
    let since = after.and_then(|text| errors.take("after", text.parse())).unwrap_or_default();
    errors.none_or(since)
}

/// The ids of several tasks.
pub(in crate::graphql) fn task_ids(ids: &[ID]) -> Result<Vec<TaskId>, GraphqlError> {
    let mut errors = FieldErrors::default();
    let parse = |(index, id): (usize, &ID)| {
        id.parse().map_err(|violation| errors.0.push(FieldError::new("", violation).at("ids", index))).ok()
    };
    let parsed = ids.iter().enumerate().filter_map(parse).collect();
    errors.none_or(parsed)
}

/// A task's id.
pub(in crate::graphql) fn task_id(id: &ID) -> Result<TaskId, GraphqlError> {
    id.parse().map_err(|violation| FieldError::new("id", violation).into())
}

/// Every error of an input, so that all are told at once.
#[derive(Default)]
struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    fn take<T>(&mut self, field: &'static str, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.0.push(FieldError::new(field, violation))).ok()
    }

    /// What can be omitted, but can't be cleared.
    fn given<T>(&mut self, field: &'static str, value: MaybeUndefined<T>, null: Violation) -> Option<T> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => self.take(field, Err(null)),
            MaybeUndefined::Value(value) => Some(value),
        }
    }

    fn none_or<T>(self, value: T) -> Result<T, GraphqlError> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0.into()) }
    }
}
