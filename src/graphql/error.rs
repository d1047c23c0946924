//! The house's errors in GraphQL's form.

use async_graphql::{ErrorExtensionValues, Name, Value, indexmap::IndexMap, value};

use super::plan::variables::Fault;
use crate::{
    error::{Code, Error},
    task::{FieldError, Task, rfc3339},
};

/// An error on its way to a GraphQL client. It has no `Display`: see [`Error`].
#[derive(Debug)]
pub(super) struct GraphqlError(Error);

impl From<Error> for GraphqlError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<FieldError> for GraphqlError {
    fn from(invalid: FieldError) -> Self {
        Self(invalid.into())
    }
}

impl From<Vec<FieldError>> for GraphqlError {
    fn from(invalid: Vec<FieldError>) -> Self {
        Self(invalid.into())
    }
}

impl From<GraphqlError> for async_graphql::Error {
    fn from(GraphqlError(error): GraphqlError) -> Self {
        error.log();
        Self { extensions: Some(extensions(&error)), ..Self::new(error.message()) }
    }
}

/// An error about the request as a whole.
pub(super) fn request_error(error: &Error) -> async_graphql::ServerError {
    error.log();
    let mut server_error = async_graphql::ServerError::new(error.message(), None);
    server_error.extensions = Some(extensions(error));
    server_error
}

/// An error about a document, with its code.
pub(super) fn worded(code: Code, message: impl Into<String>) -> async_graphql::ServerError {
    let mut error = async_graphql::ServerError::new(message, None);
    error.extensions = Some(with_code(code));
    error
}

/// Variables that do not fit their types: all of them in one error, each in `fields`.
pub(super) fn faulty(faults: &[Fault]) -> async_graphql::ServerError {
    let message = match faults {
        [only] => format!("Variable `${}`: {}", only.path, only.message),
        _ => "Some variables don't fit their types".to_owned(),
    };
    let mut error = worded(Code::BadUserInput, message);
    let fields = faults.iter().map(|fault| (Name::new(&fault.path), Value::from(fault.message.clone())));
    let extensions = error.extensions.get_or_insert_default();
    extensions.set("fields", Value::Object(fields.collect::<IndexMap<_, Value>>()));
    error
}

/// The word a client can tell the error by, if it has one yet.
pub(super) fn code(error: &async_graphql::ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// `code`; for bad input `fields`, name to message; for a version conflict `current`, the task as it is.
fn extensions(error: &Error) -> ErrorExtensionValues {
    let mut extensions = with_code(error.code());
    if !error.fields().is_empty() {
        let fields = error.fields().iter().map(|invalid| (field_name(invalid), invalid.violation.to_string().into()));
        extensions.set("fields", Value::Object(fields.collect::<IndexMap<_, Value>>()));
    }
    if let Some(task) = error.current() {
        extensions.set("current", current(task));
    }
    extensions
}

/// The task with its fields as the schema names them.
fn current(task: &Task) -> Value {
    value!({
        "id": task.id.to_string(),
        "title": task.title.as_str(),
        "description": task.description.as_deref(),
        "completed": task.completed,
        "version": task.version,
        "createdAt": rfc3339(task.created_at),
        "updatedAt": rfc3339(task.updated_at),
    })
}

/// One of several inputs has its place in front of the field, like `3.title`.
fn field_name(invalid: &FieldError) -> Name {
    match invalid.place {
        Some((list, index)) if invalid.field.is_empty() => Name::new(format!("{list}.{index}")),
        Some((_, index)) => Name::new(format!("{index}.{}", invalid.field)),
        None => Name::new(invalid.field),
    }
}

/// Just `code`.
pub(super) fn with_code(code: Code) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions
}
