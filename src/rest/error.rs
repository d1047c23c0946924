//! Errors in FastAPI's form: `{"detail": …, "code": …}`.

use std::sync::Arc;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::tasks::task::TaskBody;
use crate::{
    auth::challenge,
    error::{Code, Error},
    http::rate_limiting::retry_after,
    task::{FieldError, Violation},
    telemetry,
};

/// An error and where in the request it was found.
#[derive(Debug)]
pub(super) struct RestError {
    pub(super) error: Error,
    pub(super) errors: Vec<ValidationError>,
}

/// An error, as FastAPI has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorBody<'a> {
    detail: Detail<'a>,
    /// The kind of error.
    #[schema(example = "NOT_FOUND")]
    code: &'static str,
    /// With `VERSION_CONFLICT`, the task as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current: Option<TaskBody>,
}

/// One sentence, or for invalid input one entry for each broken rule.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Detail<'a> {
    Message(&'a str),
    Errors(&'a [ValidationError]),
}

/// A rule that an input broke, in pydantic's words.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ValidationError {
    /// pydantic's name of the rule.
    #[serde(rename = "type")]
    #[schema(example = "string_too_short")]
    kind: &'static str,
    /// The part of the request and the field; in a body that is not JSON, the character where parsing failed.
    #[schema(inline, example = json!(["body", "title"]))]
    loc: Vec<Step>,
    /// The rule in words.
    #[schema(example = "String should have at least 1 character")]
    msg: String,
    /// The rejected value.
    #[schema(value_type = Value)]
    input: Option<Value>,
    /// The limits of the rule, or the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    ctx: Option<Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Step {
    Name(&'static str),
    Index(usize),
}

impl RestError {
    /// An error of `path`, `query`, `header` or `body`.
    pub(super) fn in_part(part: &'static str, error: impl Into<Error>) -> Self {
        let error = error.into();
        let errors = error.fields().iter().map(|field| ValidationError::new(part, field)).collect();
        Self { error, errors }
    }

    /// A body that stops being JSON at this character.
    pub(super) fn not_json(at: usize, reason: &str) -> Self {
        let error = Error::new(Code::BadUserInput, "JSON decode error");
        let invalid = ValidationError {
            kind: "json_invalid",
            loc: vec![Step::Name("body"), Step::Index(at)],
            msg: error.message().to_owned(),
            input: Some(json!({})),
            ctx: Some(json!({ "error": reason })),
        };
        Self { error, errors: vec![invalid] }
    }

    pub(super) fn current(&self) -> Option<TaskBody> {
        self.error.current().cloned().map(Into::into)
    }
}

/// What resolvers reject came in the body.
impl From<Error> for RestError {
    fn from(error: Error) -> Self {
        Self::in_part("body", error)
    }
}

/// The error itself travels with the response: only [`super::Accepted`] knows whether it is wanted in another form.
impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        self.error.log();
        let code = self.error.code();
        telemetry::failed(telemetry::REST, code.as_str());
        let detail =
            if self.errors.is_empty() { Detail::Message(self.error.message()) } else { Detail::Errors(&self.errors) };
        let body = Json(ErrorBody { detail, code: code.as_str(), current: self.current() });
        let mut response = (StatusCode::from(code), body).into_response();
        challenge(&self.error, response.headers_mut());
        retry_after(&self.error, response.headers_mut());
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl ValidationError {
    fn new(part: &'static str, error: &FieldError) -> Self {
        let flaw = uuid_flaw(error);
        Self {
            kind: error.violation.kind(),
            loc: location(part, error),
            msg: flaw
                .as_ref()
                .map_or_else(|| error.violation.to_string(), |flaw| format!("{}, {flaw}", error.violation)),
            ctx: context(error.violation, flaw),
            input: error.input.clone(),
        }
    }
}

/// An error of the body as a whole has no field.
fn location(part: &'static str, error: &FieldError) -> Vec<Step> {
    let mut location = vec![Step::Name(part)];
    if error.violation == Violation::NothingToUpdate {
        return location;
    }
    if let Some((list, index)) = error.place {
        location.extend([Step::Name(list), Step::Index(index)]);
    }
    if !error.field.is_empty() {
        location.push(Step::Name(error.field));
    }
    location
}

/// pydantic says what is wrong with an id. It reads ids with the same crate, so the words are the same.
fn uuid_flaw(error: &FieldError) -> Option<String> {
    match (error.violation, &error.input) {
        (Violation::Uuid, Some(Value::String(text))) => Uuid::parse_str(text).err().map(|error| error.to_string()),
        _ => None,
    }
}

/// The rule's parameters, under pydantic's names.
fn context(violation: Violation, uuid_flaw: Option<String>) -> Option<Value> {
    Some(match violation {
        Violation::TooShort(min) => json!({ "min_length": min }),
        Violation::TooLong(max) => json!({ "max_length": max }),
        Violation::TooSmall(min) => json!({ "ge": min }),
        Violation::TooLarge(max) => json!({ "le": max }),
        Violation::NotOneOf(_) => json!({ "expected": violation.expected() }),
        Violation::Uuid => json!({ "error": uuid_flaw? }),
        // FastAPI can't serialize the exception that pydantic puts there.
        _ if violation.kind() == "value_error" => json!({ "error": {} }),
        _ => return None,
    })
}

/// An error that arose around this door's handlers.
#[must_use]
pub fn error_response(error: Error) -> Response {
    RestError::from(error).into_response()
}
