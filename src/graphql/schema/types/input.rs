//! Inputs of mutations.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::{
    graphql::schema::{
        error::{FieldErrors, GraphqlError},
        types::task::{Date, LocalTime, TaskPriority, TimeZone},
    },
    task::{
        self, Description, Due, DueChange, FieldError, NewTask, Priority, TaskId, TaskPatch, Title, Violation,
        parse_date, parse_time,
    },
};

/// A new task.
#[derive(InputObject)]
pub(in crate::graphql) struct CreateTaskInput {
    /// A UUID of version 4 or 7, if the client makes it; otherwise the server does. If the user has a task with this id that says the
    /// same, it is returned and nothing changes; if it says something else, or was deleted, the mutation fails with `ID_TAKEN`.
    id: Option<ID>,
    /// 1 to 200 characters, not blank, no control characters.
    title: String,
    /// At most 1000 characters.
    description: Option<String>,
    /// Whether the task is already completed.
    #[graphql(default_with = "Some(false)")]
    completed: Option<bool>,
    /// How urgent the task is.
    #[graphql(default_with = "Some(TaskPriority::None)")]
    priority: Option<TaskPriority>,
    /// When the task is due.
    due: Option<DueInput>,
    /// At most 20, each of 1 to 50 characters, not blank, no control characters. Of tags that differ only in case, the first is kept.
    tags: Option<Vec<String>>,
}

/// When a task is due: on a day, at a time wherever the user is, or at a time in a zone.
#[derive(InputObject)]
pub(in crate::graphql) struct DueInput {
    /// The day, in the years 1 to 9999.
    date: Date,
    /// The time by the wall clock; omitted if the whole day is meant.
    time: Option<LocalTime>,
    /// The zone of `time`; omitted if it is meant wherever the user is. Only with a `time`.
    time_zone: Option<TimeZone>,
}

impl DueInput {
    fn check(&self, errors: &mut FieldErrors) -> Option<Due> {
        let (time, zone) = (self.time.as_ref().map(LocalTime::text), self.time_zone.as_ref().map(TimeZone::text));
        check_due(errors, self.date.text(), time, zone)
    }
}

type Text<'a> = Result<&'a str, Violation>;

pub(super) fn check_due(
    errors: &mut FieldErrors,
    date: Text<'_>,
    time: Option<Text<'_>>,
    zone: Option<Text<'_>>,
) -> Option<Due> {
    let date = errors.check("due.date", date.and_then(parse_date));
    let zone = zone.map(|zone| match time {
        Some(_) => zone.and_then(str::parse::<task::TimeZone>),
        None => Err(Violation::Custom("a time zone needs a time")),
    });
    let zone = zone.map(|zone| errors.check("due.timeZone", zone));
    let time = time.map(|time| errors.check("due.time", time.and_then(parse_time)));
    // An invalid part is missing here.
    let (time, zone) =
        (time.map_or(Some(None), |time| time.map(Some))?, zone.map_or(Some(None), |zone| zone.map(Some))?);
    errors.check("due.date", Due::new(date?, time, zone))
}

impl CreateTaskInput {
    pub(in crate::graphql::schema) fn check(self) -> Result<NewTask, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let id = self.id.and_then(|id| errors.check("id", TaskId::of_new(&id)));
        let title = errors.check("title", Title::try_from(self.title));
        let description = self.description.and_then(|text| errors.check("description", Description::try_from(text)));
        let due = self.due.and_then(|due| due.check(&mut errors));
        let tags = self.tags.and_then(|tags| errors.tags(tags)).unwrap_or_default();
        let priority = self.priority.map(Into::into).unwrap_or_default();
        match title {
            Some(title) if errors.0.is_empty() => {
                let completed = self.completed.unwrap_or_default();
                Ok(NewTask { id, title, description, completed, priority, due, tags })
            }
            _ => Err(errors.0),
        }
    }

    /// Errors have the index of their input.
    pub(in crate::graphql::schema) fn check_all(inputs: Vec<Self>) -> Result<Vec<NewTask>, GraphqlError> {
        let mut errors = FieldErrors::default();
        let mut tasks = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.into_iter().enumerate() {
            match input.check() {
                Ok(task) => tasks.push(task),
                Err(invalid) => errors.0.extend(invalid.into_iter().map(|error| error.at("inputs", index))),
            }
        }
        errors.none_or(tasks)
    }
}

/// Changes to a task. Omitted fields stay unchanged; give at least one.
#[derive(InputObject)]
pub(in crate::graphql) struct UpdateTaskInput {
    /// The new title: 1 to 200 characters, not blank, no control characters. Must not be null.
    title: MaybeUndefined<String>,
    /// The new description: at most 1000 characters. Null clears it.
    description: MaybeUndefined<String>,
    /// Whether the task is completed. Must not be null.
    completed: MaybeUndefined<bool>,
    /// The new priority. Null is the same as `NONE`.
    priority: MaybeUndefined<TaskPriority>,
    /// When the task is due now, with all parts: those that are omitted are gone. Null clears it.
    due: MaybeUndefined<DueInput>,
    /// The new tags: at most 20, each of 1 to 50 characters, not blank, no control characters. Null removes all.
    tags: MaybeUndefined<Vec<String>>,
}

impl UpdateTaskInput {
    pub(in crate::graphql::schema) fn check(self) -> Result<TaskPatch, GraphqlError> {
        let mut errors = FieldErrors::default();
        let title = errors.not_null("title", self.title, Violation::NotAString);
        let title = title.and_then(|text| errors.check("title", Title::try_from(text)));
        let completed = errors.not_null("completed", self.completed, Violation::NotABoolean);
        let description = match self.description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => errors.check("description", Description::try_from(text)).map(Some),
        };
        let priority = match self.priority {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(Priority::None),
            MaybeUndefined::Value(priority) => Some(priority.into()),
        };
        let due = match self.due {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(DueChange::Set(None)),
            MaybeUndefined::Value(due) => due.check(&mut errors).map(|due| DueChange::Set(Some(due))),
        };
        let tags = match self.tags {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(task::Tags::default()),
            MaybeUndefined::Value(tags) => errors.tags(tags),
        };
        errors.none_or(TaskPatch { title, description, completed, priority, due, tags })
    }
}

pub(in crate::graphql::schema) fn task_id(id: &ID) -> Result<TaskId, GraphqlError> {
    id.parse().map_err(|violation| FieldError::new("id", violation).into())
}

/// Errors have the index of their id.
pub(in crate::graphql::schema) fn task_ids(ids: &[ID]) -> Result<Vec<TaskId>, GraphqlError> {
    let mut errors = FieldErrors::default();
    let parse = |(index, id): (usize, &ID)| {
        id.parse().map_err(|violation| errors.0.push(FieldError::new("", violation).at("ids", index))).ok()
    };
    let parsed = ids.iter().enumerate().filter_map(parse).collect();
    errors.none_or(parsed)
}
