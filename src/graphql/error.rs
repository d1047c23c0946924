//! async-graphql's error type with the code that clients match on, `extensions.code`.

use async_graphql::{ErrorExtensionValues, ServerError, Value};

use crate::error::Code;

/// An error without a location or path.
pub(super) fn server_error(code: Code, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions = Some(extensions(code));
    error
}

/// `None` for an error of async-graphql's own.
pub(super) fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// Extensions with `code` only.
pub(super) fn extensions(code: Code) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions
}
