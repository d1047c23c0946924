//! What comes in, checked field by field.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::types::{TaskSort, TaskStatus};
use crate::graphql::error::GraphqlError;
use crate::task::{
    Cursor, Description, FieldError, Filter, Limit, NewTask, PageRequest, Search, TaskId, TaskPatch, Title, Violation,
};

/// A new task.
#[derive(InputObject)]
pub(in crate::graphql) struct CreateTaskInput {
    /// 1 to 200 characters, not blank, no control characters.
    title: String,
    /// At most 1000 characters.
    description: Option<String>,
    /// Whether it is done already.
    #[graphql(default)]
    completed: bool,
}

impl CreateTaskInput {
    pub(in crate::graphql) fn check(self) -> Result<NewTask, GraphqlError> {
        Ok(self.checked()?)
    }

    /// Each of them; the faults of all are told, with the place of the task they are in.
    pub(in crate::graphql) fn check_all(inputs: Vec<Self>) -> Result<Vec<NewTask>, GraphqlError> {
        let mut faults = Faults::default();
        let checked = inputs.into_iter().enumerate().filter_map(|(index, input)| {
            input
                .checked()
                .map_err(|found| faults.0.extend(found.into_iter().map(|fault| fault.at("inputs", index))))
                .ok()
        });
        let checked = checked.collect();
        faults.none_or(checked)
    }

    fn checked(self) -> Result<NewTask, Vec<FieldError>> {
        let mut faults = Faults::default();
        let title = faults.take("title", Title::try_from(self.title));
        let description = self.description.and_then(|text| faults.take("description", Description::try_from(text)));
        match title {
            Some(title) if faults.0.is_empty() => Ok(NewTask { title, description, completed: self.completed }),
            _ => Err(faults.0),
        }
    }
}

/// A change to a task. What is absent is kept; at least one field must be given.
#[derive(InputObject)]
pub(in crate::graphql) struct UpdateTaskInput {
    /// The new title: 1 to 200 characters, not blank, no control characters. Null keeps the title.
    title: Option<String>,
    /// The new description: at most 1000 characters. Null clears it.
    description: MaybeUndefined<String>,
    /// Whether it is done. Null keeps it as it is.
    completed: Option<bool>,
}

impl UpdateTaskInput {
    pub(in crate::graphql) fn check(self) -> Result<TaskPatch, GraphqlError> {
        let mut faults = Faults::default();
        let title = self.title.and_then(|text| faults.take("title", Title::try_from(text)));
        let description = match self.description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => faults.take("description", Description::try_from(text)).map(Some),
        };
        faults.none_or(TaskPatch { title, description, completed: self.completed })
    }
}

/// The arguments of a plain list.
pub(in crate::graphql) struct ListArgs {
    pub(in crate::graphql) status: TaskStatus,
    pub(in crate::graphql) sort: TaskSort,
    pub(in crate::graphql) search: Option<String>,
    pub(in crate::graphql) limit: i64,
}

impl ListArgs {
    pub(in crate::graphql) fn check(self) -> Result<(Filter, PageRequest), GraphqlError> {
        let mut faults = Faults::default();
        let search = self.search.and_then(|text| faults.take("search", Search::parse(text))).flatten();
        let limit = faults.take("limit", Limit::try_from(self.limit)).unwrap_or_default();
        let filter = Filter { status: self.status.into(), search };
        faults.none_or((filter, PageRequest { sort: self.sort.into(), limit, ..PageRequest::default() }))
    }
}

/// The arguments of a connection.
pub(in crate::graphql) struct ConnectionArgs {
    pub(in crate::graphql) status: TaskStatus,
    pub(in crate::graphql) sort: TaskSort,
    pub(in crate::graphql) search: Option<String>,
    pub(in crate::graphql) first: Option<i64>,
    pub(in crate::graphql) after: Option<String>,
    pub(in crate::graphql) last: Option<i64>,
    pub(in crate::graphql) before: Option<String>,
}

impl ConnectionArgs {
    pub(in crate::graphql) fn check(self) -> Result<(Filter, PageRequest), GraphqlError> {
        let mut faults = Faults::default();
        let sort = self.sort.into();
        let search = self.search.and_then(|text| faults.take("search", Search::parse(text))).flatten();
        let mut cursor =
            |name, text: Option<String>| text.and_then(|text| faults.take(name, Cursor::parse(&text, sort)));
        let (after, before) = (cursor("after", self.after), cursor("before", self.before));
        let (limit, from_end) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                faults.take::<()>("last", Err(Violation::Combination("give `first` or `last`, not both")));
                (None, false)
            }
            (None, Some(last)) => (faults.take("last", Limit::try_from(last)), true),
            (first, None) => (first.and_then(|first| faults.take("first", Limit::try_from(first))), false),
        };
        let page =
            PageRequest { sort, limit: limit.unwrap_or_default(), after, before, from_end, ..PageRequest::default() };
        faults.none_or((Filter { status: self.status.into(), search }, page))
    }
}

/// The ids of several tasks.
pub(in crate::graphql) fn task_ids(ids: &[ID]) -> Result<Vec<TaskId>, GraphqlError> {
    let mut faults = Faults::default();
    let parse = |(index, id): (usize, &ID)| {
        id.parse().map_err(|violation| faults.0.push(FieldError::new("", violation).at("ids", index))).ok()
    };
    let parsed = ids.iter().enumerate().filter_map(parse).collect();
    faults.none_or(parsed)
}

/// A task's id.
pub(in crate::graphql) fn task_id(id: &ID) -> Result<TaskId, GraphqlError> {
    id.parse().map_err(|violation| FieldError::new("id", violation).into())
}

/// Every fault of an input, so that all are told at once.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn take<T>(&mut self, field: &'static str, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.0.push(FieldError::new(field, violation))).ok()
    }

    fn none_or<T>(self, value: T) -> Result<T, GraphqlError> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0.into()) }
    }
}
