//! JSON bodies, read leniently like pydantic: unknown fields are ignored, a null is an absent value, and all faults
//! are told at once.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use mime::Mime;
use serde_json::{Map, Value};

use super::{error::RestError, json};
use crate::{
    error::{Code, Error},
    http::{content_type, unreadable},
    resolvers::MAX_MANY,
    state::AppState,
    task::{Description, FieldError, NewTask, TaskPatch, Title, Violation},
};

/// A body read as `T`.
pub(super) struct JsonBody<T>(pub(super) T);

/// What can be read from the fields of a body.
pub(super) trait FromFields: Sized {
    /// Whether no body at all is as good as one without fields.
    const IS_OPTIONAL: bool = false;

    /// Takes the fields it knows; an incomplete value only if a fault was noted.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

impl<T: FromFields> FromRequest<AppState> for JsonBody<T> {
    type Rejection = RestError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, RestError> {
        let is_json = is_json(request.headers());
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unreadable(&rejection))?;
        if body.is_empty() && T::IS_OPTIONAL {
            return read(Map::new());
        }
        if !is_json {
            return Err(
                Error::new(Code::UnsupportedMediaType, "Send the body with Content-Type: application/json").into()
            );
        }
        if body.is_empty() {
            return Err(Error::from(FieldError::new("", Violation::Missing)).into());
        }
        match serde_json::from_slice(&body) {
            Ok(Value::Object(map)) => read(map),
            Ok(Value::Null) if T::IS_OPTIONAL => read(Map::new()),
            Ok(Value::Null) => Err(Error::from(FieldError::new("", Violation::Missing)).into()),
            Ok(other) => Err(Error::from(FieldError::new("", Violation::NotAnObject).given(other)).into()),
            Err(_) => Err(Error::from(not_json(&body)).into()),
        }
    }
}

fn read<T: FromFields>(map: Map<String, Value>) -> Result<JsonBody<T>, RestError> {
    read_fields(map).map(JsonBody).map_err(|faults| Error::from(faults).into())
}

/// What an object says, or all that is wrong with it.
pub(super) fn read_fields<T: FromFields>(map: Map<String, Value>) -> Result<T, Vec<FieldError>> {
    let mut fields = Fields { map, faults: Vec::new() };
    match T::from_fields(&mut fields) {
        Some(value) if fields.faults.is_empty() => Ok(value),
        _ => Err(fields.faults),
    }
}

fn not_json(body: &[u8]) -> FieldError {
    let (at, why) = json::flaw(body);
    FieldError::new("", Violation::NotJson(at, why)).given(Map::new())
}

/// Clients of the older backends don't always send a `Content-Type`.
fn is_json(headers: &HeaderMap) -> bool {
    let is_json = |given: Mime| {
        given.type_() == mime::APPLICATION && (given.subtype() == mime::JSON || given.suffix() == Some(mime::JSON))
    };
    !headers.contains_key(header::CONTENT_TYPE) || content_type(headers).is_some_and(is_json)
}

/// The fields of a body and what is wrong with them.
pub(super) struct Fields {
    map: Map<String, Value>,
    faults: Vec<FieldError>,
}

impl Fields {
    fn required<T>(&mut self, name: &'static str, read: impl FnOnce(Value) -> Result<T, Violation>) -> Option<T> {
        match self.map.remove(name) {
            Some(value) => self.noted(name, value, read),
            None => {
                let input = Value::Object(self.map.clone());
                self.faults.push(FieldError::new(name, Violation::Missing).given(input));
                None
            }
        }
    }

    /// Absent and null are the same.
    fn optional<T>(&mut self, name: &'static str, read: impl FnOnce(Value) -> Result<T, Violation>) -> Option<T> {
        self.clearable(name, read).flatten()
    }

    /// Absent is `None`, null is `Some(None)`.
    fn clearable<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Value) -> Result<T, Violation>,
    ) -> Option<Option<T>> {
        match self.map.remove(name)? {
            Value::Null => Some(None),
            value => self.noted(name, value, read).map(Some),
        }
    }

    /// Whether there is a value, other than null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// A list. What is wrong with an item is told with its place.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(Value) -> Result<T, Vec<FieldError>>,
    ) -> Option<Vec<T>> {
        let items = self.optional(name, |value| match value {
            Value::Array(items) if items.len() > MAX_MANY => Err(Violation::TooMany(MAX_MANY)),
            Value::Array(items) => Ok(items),
            _ => Err(Violation::NotAList),
        })?;
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match read(item) {
                Ok(value) => values.push(value),
                Err(faults) => self.faults.extend(faults.into_iter().map(|fault| fault.at(name, index))),
            }
        }
        Some(values)
    }

    /// The fields don't go together.
    pub(super) fn refuse(&mut self, violation: Violation) {
        self.faults.push(FieldError::new("", violation).given(self.map.clone()));
    }

    fn noted<T>(
        &mut self,
        name: &'static str,
        value: Value,
        read: impl FnOnce(Value) -> Result<T, Violation>,
    ) -> Option<T> {
        let given = value.clone();
        read(value).map_err(|violation| self.faults.push(FieldError::new(name, violation).given(given))).ok()
    }
}

impl FromFields for NewTask {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let title = fields.required("title", |value| Title::try_from(string(value)?));
        let description = fields.optional("description", |value| Description::try_from(string(value)?));
        let completed = fields.optional("completed", |value| boolean(&value)).unwrap_or(false);
        Some(Self { title: title?, description, completed })
    }
}

impl FromFields for TaskPatch {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            title: fields.optional("title", |value| Title::try_from(string(value)?)),
            description: fields.clearable("description", |value| Description::try_from(string(value)?)),
            completed: fields.optional("completed", |value| boolean(&value)),
        })
    }
}

/// What `…/complete` is asked for: a state, or the other one.
pub(super) struct Completion(pub(super) Option<bool>);

impl FromFields for Completion {
    const IS_OPTIONAL: bool = true;

    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self(fields.optional("completed", |value| boolean(&value))))
    }
}

fn string(value: Value) -> Result<String, Violation> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Violation::NotAString),
    }
}

fn boolean(value: &Value) -> Result<bool, Violation> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            Some(number) if number.fract() == 0.0 => Err(Violation::UnclearBoolean),
            _ => Err(Violation::NotABoolean),
        },
        Value::String(word) => super::query::boolean(word),
        _ => Err(Violation::NotABoolean),
    }
}
