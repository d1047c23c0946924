//! Errors in FastAPI's format: `{"detail": …, "code": …}`.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{settings::RestSettings, tasks::task::TaskBody};
use crate::{
    auth::challenge,
    error::{Code, Error},
    http::rate_limiting::retry_after,
    task::{FieldError, ListItem, Violation},
    telemetry,
};

/// An error, and for invalid input where in the request each violation is.
#[derive(Debug)]
pub(crate) struct RestError {
    pub(super) error: Error,
    pub(super) violations: Vec<ValidationError>,
    /// How the current task is written.
    rest: RestSettings,
}

/// An error in the format of FastAPI.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorBody<'a> {
    detail: Detail<'a>,
    /// A stable, machine-readable error code.
    #[schema(example = "NOT_FOUND")]
    code: &'static str,
    /// With `VERSION_CONFLICT`, the current task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current: Option<TaskBody>,
    /// With `QUOTA_EXCEEDED`, how many tasks a user may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 100_000)]
    limit: Option<u32>,
}

/// A message, or for invalid input one entry for each violation.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Detail<'a> {
    Message(&'a str),
    Errors(&'a [ValidationError]),
}

/// A violation, in pydantic's words.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ValidationError {
    /// pydantic's error type.
    #[serde(rename = "type")]
    #[schema(example = "string_too_short")]
    kind: &'static str,
    /// The part of the request and the field. If the body is not JSON, the character at which parsing failed.
    #[schema(inline, example = json!(["body", "title"]))]
    loc: Vec<LocItem>,
    /// The message.
    #[schema(example = "String should have at least 1 character")]
    msg: String,
    /// The invalid value.
    #[schema(value_type = Value)]
    input: Option<Value>,
    /// The parameters of the violated rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    ctx: Option<Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum LocItem {
    Name(Cow<'static, str>),
    Index(usize),
}

impl RestError {
    /// An error in the `path`, `query`, `header` or `body`.
    pub(super) fn in_part(part: &'static str, error: impl Into<Error>) -> Self {
        let error = error.into();
        let violations = error.fields().iter().map(|field| ValidationError::new(part, field)).collect();
        Self { error, violations, rest: RestSettings::default() }
    }

    /// An error of a change, which may have the current task.
    pub(super) fn of_change(error: Error, rest: RestSettings) -> Self {
        Self { rest, ..error.into() }
    }

    /// A body whose JSON is malformed at this character.
    pub(super) fn not_json(at: usize, reason: &str) -> Self {
        let error = Error::new(Code::BadUserInput, "JSON decode error");
        let invalid = ValidationError {
            kind: "json_invalid",
            loc: vec![LocItem::Name("body".into()), LocItem::Index(at)],
            msg: error.message().to_owned(),
            input: Some(json!({})),
            ctx: Some(json!({ "error": reason })),
        };
        Self { violations: vec![invalid], ..error.into() }
    }

    pub(super) fn current(&self) -> Option<TaskBody> {
        self.error.current().cloned().map(|task| TaskBody::new(task, self.rest))
    }
}

/// Resolvers only reject what came in the body.
impl From<Error> for RestError {
    fn from(error: Error) -> Self {
        Self::in_part("body", error)
    }
}

/// The response carries the error as an extension, for [`super::Accepted`] to format it differently.
impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        self.error.log();
        let code = self.error.code();
        telemetry::failed(telemetry::REST, code.as_str());
        let detail = if self.violations.is_empty() {
            Detail::Message(self.error.message())
        } else {
            Detail::Errors(&self.violations)
        };
        let body = Json(ErrorBody { detail, code: code.as_str(), current: self.current(), limit: self.error.quota() });
        let mut response = (StatusCode::from(code), body).into_response();
        challenge(&self.error, response.headers_mut());
        retry_after(&self.error, response.headers_mut());
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl ValidationError {
    pub(super) fn new(part: &'static str, error: &FieldError) -> Self {
        // pydantic says what is wrong with an id. It parses ids with the same crate, so the words are the same.
        let uuid_error = match (error.violation, error.input.as_deref()) {
            (Violation::Uuid, Some(Value::String(text))) => Uuid::parse_str(text).err().map(|error| error.to_string()),
            _ => None,
        };
        let mut msg = error.violation.to_string();
        if let Some(reason) = &uuid_error {
            msg = format!("{msg}, {reason}");
        }
        Self {
            kind: error.violation.kind(),
            loc: location(part, error),
            msg,
            ctx: context(error.violation, uuid_error),
            input: error.input.as_deref().cloned(),
        }
    }
}

/// An error of the whole body names no field.
fn location(part: &'static str, error: &FieldError) -> Vec<LocItem> {
    let mut location = vec![LocItem::Name(part.into())];
    if error.violation == Violation::NothingToUpdate {
        return location;
    }
    if let Some(ListItem { list, index }) = error.item {
        location.extend([LocItem::Name(list.into()), LocItem::Index(index)]);
    }
    location.extend(error.object.map(|object| LocItem::Name(object.into())));
    if !error.field.is_empty() || error.violation == Violation::Unknown {
        location.push(LocItem::Name(error.field.clone()));
    }
    location.extend(error.index.map(LocItem::Index));
    location
}

/// The parameters of the violated rule, under pydantic's names.
fn context(violation: Violation, uuid_error: Option<String>) -> Option<Value> {
    Some(match violation {
        Violation::TooShort(min) => json!({ "min_length": min }),
        Violation::TooLong(max) => json!({ "max_length": max }),
        Violation::TooSmall(min) => json!({ "ge": min }),
        Violation::TooLarge(max) => json!({ "le": max }),
        Violation::NotOneOf(_) => json!({ "expected": violation.expected() }),
        Violation::Uuid => json!({ "error": uuid_error? }),
        // pydantic puts an exception there, which FastAPI serializes as an empty object.
        _ if violation.kind() == "value_error" => json!({ "error": {} }),
        _ => return None,
    })
}

/// The response to an error that occurred outside of the handlers.
#[must_use]
pub fn error_response(error: Error) -> Response {
    RestError::from(error).into_response()
}
