//! The crate's errors in GraphQL's format.

use async_graphql::{ErrorExtensionValues, MaybeUndefined, Name, ServerError, Value, indexmap::IndexMap};

use super::types::task::to_value;
use crate::{
    error::Error,
    graphql::error,
    task::{FieldError, ListItem, Tags, Violation},
};

/// An error of a resolver. Without `Display`, for the reason given at [`Error`].
#[derive(Debug)]
pub(in crate::graphql) struct GraphqlError(Error);

impl From<Error> for GraphqlError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<FieldError> for GraphqlError {
    fn from(error: FieldError) -> Self {
        Self(error.into())
    }
}

impl From<Vec<FieldError>> for GraphqlError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self(errors.into())
    }
}

impl From<GraphqlError> for async_graphql::Error {
    fn from(GraphqlError(error): GraphqlError) -> Self {
        error.log();
        Self { extensions: Some(extensions(&error)), ..Self::new(error.message()) }
    }
}

/// An error that no field is to blame for. Logs its cause.
pub(in crate::graphql) fn request_error(error: &Error) -> ServerError {
    error.log();
    let mut server_error = ServerError::new(error.message(), None);
    server_error.extensions = Some(extensions(error));
    server_error
}

/// `code`, and depending on it `fields`, messages by the names of invalid fields, `current`, the task as it is now, or `limit`.
fn extensions(error: &Error) -> ErrorExtensionValues {
    let mut extensions = error::extensions(error.code());
    if !error.fields().is_empty() {
        let fields = error.fields().iter().map(|invalid| (field_name(invalid), invalid.violation.to_string().into()));
        extensions.set("fields", Value::Object(fields.collect::<IndexMap<_, Value>>()));
    }
    if let Some(task) = error.current() {
        extensions.set("current", to_value(task));
    }
    if let Some(limit) = error.quota() {
        extensions.set("limit", limit);
    }
    extensions
}

/// With an index in front for one of several inputs, like `3.title`, and one behind for an item of a list, like `tags.2`.
pub(in crate::graphql::schema) fn field_name(invalid: &FieldError) -> Name {
    let mut name = match invalid.item {
        Some(ListItem { list, index }) if invalid.field.is_empty() => format!("{list}.{index}"),
        Some(ListItem { index, .. }) => format!("{index}.{}", invalid.field),
        None => invalid.field.to_string(),
    };
    if let Some(object) = invalid.object.filter(|object| *object != "task") {
        name = format!("{object}.{name}");
    }
    if let Some(index) = invalid.index {
        name = format!("{name}.{index}");
    }
    Name::new(name)
}

/// Collects the errors of an input, so that a client gets all of them at once.
#[derive(Default)]
pub(in crate::graphql::schema) struct FieldErrors(pub(in crate::graphql::schema) Vec<FieldError>);

impl FieldErrors {
    /// `None` if the field is invalid.
    pub(in crate::graphql::schema) fn check<T>(
        &mut self,
        field: &'static str,
        result: Result<T, Violation>,
    ) -> Option<T> {
        result.map_err(|violation| self.0.push(FieldError::new(field, violation))).ok()
    }

    /// Tags, each of which may be invalid.
    pub(in crate::graphql::schema) fn tags(&mut self, tags: Vec<String>) -> Option<Tags> {
        let errors = match Tags::parse(tags.into_iter().map(Ok)) {
            Ok(tags) => return Some(tags),
            Err(errors) => errors,
        };
        self.0.extend(errors.into_iter().map(|(index, violation)| FieldError::new("tags", violation).in_item(index)));
        None
    }

    /// A field that may be omitted, but not null.
    pub(in crate::graphql::schema) fn not_null<T>(
        &mut self,
        field: &'static str,
        value: MaybeUndefined<T>,
        violation: Violation,
    ) -> Option<T> {
        match value {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => self.check(field, Err(violation)),
            MaybeUndefined::Value(value) => Some(value),
        }
    }

    /// The value, unless a field is invalid.
    pub(in crate::graphql::schema) fn none_or<T>(self, value: T) -> Result<T, GraphqlError> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0.into()) }
    }
}
