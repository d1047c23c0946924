//! The house's errors in FastAPI's form: `{"detail": …, "code": …}`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{problem::ProblemDetails, wire::TaskBody};
use crate::{
    auth::challenge,
    error::Error,
    task::{FieldError, Violation},
};

/// An error on its way to a REST client, with the part of the request it is about: `body`, `query`, `path` or `header`.
#[derive(Debug)]
pub(super) struct RestError {
    error: Error,
    part: &'static str,
}

impl RestError {
    pub(super) fn in_part(part: &'static str, error: impl Into<Error>) -> Self {
        Self { error: error.into(), part }
    }
}

/// The body of an error.
#[derive(Serialize)]
struct Envelope<'a> {
    detail: Detail<'a>,
    code: &'static str,
    /// The task as it is, when it is not as the client expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<TaskBody>,
}

/// One sentence, or for bad input an entry for each fault, as pydantic has it.
#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Sentence(&'a str),
    Faults(Vec<Fault<'a>>),
}

#[derive(Serialize)]
struct Fault<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<Value>,
    msg: String,
    input: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Value>,
}

/// What the resolvers refuse is in the body.
impl From<Error> for RestError {
    fn from(error: Error) -> Self {
        Self::in_part("body", error)
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        self.error.log();
        let status = StatusCode::from(self.error.code());
        let code = self.error.code().as_str();
        let mut response =
            (status, Json(Envelope { detail: self.detail(), code, current: self.current() })).into_response();
        response.extensions_mut().insert(self.details(status));
        challenge(&self.error, response.headers_mut());
        response
    }
}

impl RestError {
    fn detail(&self) -> Detail<'_> {
        match self.error.fields() {
            [] => Detail::Sentence(self.error.message()),
            faults => Detail::Faults(faults.iter().map(|invalid| self.fault(invalid)).collect()),
        }
    }

    fn current(&self) -> Option<TaskBody> {
        self.error.current().cloned().map(Into::into)
    }

    fn details(&self, status: StatusCode) -> ProblemDetails {
        let errors = self.error.fields().iter().map(|invalid| json!(self.fault(invalid))).collect();
        ProblemDetails {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.error.message().to_owned(),
            code: self.error.code().as_str(),
            errors,
            current: self.current().map(|task| json!(task)),
        }
    }

    fn fault<'a>(&self, invalid: &'a FieldError) -> Fault<'a> {
        Fault {
            kind: invalid.violation.kind(),
            loc: self.location(invalid),
            msg: message(invalid),
            input: invalid.input.as_ref(),
            ctx: context(invalid),
        }
    }

    /// Faults of the body as a whole have no field; for what is no JSON the place in it is told.
    fn location(&self, invalid: &FieldError) -> Vec<Value> {
        match invalid.violation {
            Violation::NotJson(at, _) => vec![self.part.into(), at.into()],
            Violation::NothingToUpdate => vec![self.part.into()],
            _ => {
                let place = invalid.place.map(|(list, index)| [list.into(), index.into()]);
                let field = (!invalid.field.is_empty()).then(|| invalid.field.into());
                [self.part.into()].into_iter().chain(place.into_iter().flatten()).chain(field).collect()
            }
        }
    }
}

/// pydantic says about an id what is wrong with it: in the same words as we do, it reads ids with the same crate.
fn message(invalid: &FieldError) -> String {
    match uuid_flaw(invalid) {
        Some(flaw) => format!("{}, {flaw}", invalid.violation),
        None => invalid.violation.to_string(),
    }
}

fn uuid_flaw(invalid: &FieldError) -> Option<String> {
    match (invalid.violation, &invalid.input) {
        (Violation::Uuid, Some(Value::String(text))) => Uuid::parse_str(text).err().map(|error| error.to_string()),
        _ => None,
    }
}

/// The numbers and words of the rule.
fn context(invalid: &FieldError) -> Option<Value> {
    let violation = invalid.violation;
    Some(match violation {
        Violation::TooShort(min) => json!({ "min_length": min }),
        Violation::TooLong(max) => json!({ "max_length": max }),
        Violation::TooSmall(min) => json!({ "ge": min }),
        Violation::TooLarge(max) => json!({ "le": max }),
        Violation::NotOneOf(_) => json!({ "expected": violation.expected() }),
        Violation::NotJson(_, why) => json!({ "error": why }),
        Violation::Uuid => json!({ "error": uuid_flaw(invalid)? }),
        // FastAPI can't show the exception that pydantic keeps there.
        _ if violation.kind() == "value_error" => json!({ "error": {} }),
        _ => return None,
    })
}

/// The error in this door's form, for the layers around it.
#[must_use]
pub fn error_response(error: Error) -> Response {
    RestError::from(error).into_response()
}
