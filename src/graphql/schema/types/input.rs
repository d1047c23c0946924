//! Inputs of mutations.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::{
    graphql::schema::error::{FieldErrors, GraphqlError},
    task::{Description, FieldError, NewTask, TaskId, TaskPatch, Title, Violation},
};

/// A new task.
#[derive(InputObject)]
pub(in crate::graphql) struct CreateTaskInput {
    /// 1 to 200 characters, not blank, no control characters.
    title: String,
    /// At most 1000 characters.
    description: Option<String>,
    /// Whether the task is already completed.
    #[graphql(default_with = "Some(false)")]
    completed: Option<bool>,
}

impl CreateTaskInput {
    pub(in crate::graphql::schema) fn check(self) -> Result<NewTask, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let title = errors.check("title", Title::try_from(self.title));
        let description = self.description.and_then(|text| errors.check("description", Description::try_from(text)));
        match title {
            Some(title) if errors.0.is_empty() => {
                Ok(NewTask { title, description, completed: self.completed.unwrap_or_default() })
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
        errors.none_or(TaskPatch { title, description, completed })
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
