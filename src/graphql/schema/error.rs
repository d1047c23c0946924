//! The crate's errors in GraphQL's form.

use async_graphql::{ErrorExtensionValues, Name, ServerError, Value, indexmap::IndexMap};

use super::types::task;
use crate::{error::Error, graphql::error::with_code, task::FieldError};

/// An error on its way to a GraphQL client. It has no `Display`: see [`Error`].
#[derive(Debug)]
pub(in crate::graphql) struct GraphqlError(Error);

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
pub(in crate::graphql) fn request_error(error: &Error) -> ServerError {
    error.log();
    let mut server_error = ServerError::new(error.message(), None);
    server_error.extensions = Some(extensions(error));
    server_error
}

/// `code`; for bad input `fields`, name to message; for a version conflict `current`, the task as it is.
fn extensions(error: &Error) -> ErrorExtensionValues {
    let mut extensions = with_code(error.code());
    if !error.fields().is_empty() {
        let fields = error.fields().iter().map(|invalid| (field_name(invalid), invalid.violation.to_string().into()));
        extensions.set("fields", Value::Object(fields.collect::<IndexMap<_, Value>>()));
    }
    if let Some(task) = error.current() {
        extensions.set("current", task::to_value(task));
    }
    extensions
}

/// One of several inputs has its place in front of the field, like `3.title`.
fn field_name(invalid: &FieldError) -> Name {
    match invalid.place {
        Some((list, index)) if invalid.field.is_empty() => Name::new(format!("{list}.{index}")),
        Some((_, index)) => Name::new(format!("{index}.{}", invalid.field)),
        None => Name::new(invalid.field),
    }
}
