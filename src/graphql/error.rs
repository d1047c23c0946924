//! Errors of async-graphql's with the word that clients tell them by, `extensions.code`.

use async_graphql::{ErrorExtensionValues, ServerError, Value};

use crate::error::Code;

/// An error about a document, with its code.
pub(super) fn worded(code: Code, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions = Some(with_code(code));
    error
}

/// The word a client can tell the error by, if it has one yet.
pub(super) fn code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// Just `code`.
pub(super) fn with_code(code: Code) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions
}
