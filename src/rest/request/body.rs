//! JSON bodies.

use axum::{
    body::HttpBody,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde_json::{Map, Value};

use super::{
    fields::{Context, FromFields},
    ignored::Ignored,
};
use crate::{
    error::{Code, Error},
    http::request::content_type,
    rest::error::RestError,
    state::SharedState,
    task::{FieldError, Violation},
};

/// A body read as `T`, and the names of what it has besides.
pub(crate) struct JsonBody<T>(pub(crate) T, pub(crate) Ignored);

impl<T: FromFields> FromRequest<SharedState> for JsonBody<T> {
    type Rejection = RestError;

    async fn from_request(request: Request, state: &SharedState) -> Result<Self, RestError> {
        let is_json = is_json(request.headers());
        // Checked before the body is read, which may take long to arrive.
        let is_omitted = T::IS_OPTIONAL && request.body().is_end_stream();
        if !(is_json || is_omitted) {
            let message = "Send the body with Content-Type: application/json";
            return Err(Error::new(Code::UnsupportedMediaType, message).into());
        }
        let object = parse(&state.bodies.read(request).await?, T::IS_OPTIONAL)?;
        let mut context = Context::new(state.rest);
        let value = T::from_object(object, &mut context).map_err(Error::from)?;
        Ok(Self(value, context.ignored))
    }
}

/// True without a `Content-Type`, which clients of the older backends don't always send.
fn is_json(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::CONTENT_TYPE)
        || content_type(headers).is_some_and(|given| {
            given.type_() == mime::APPLICATION && (given.subtype() == mime::JSON || given.suffix() == Some(mime::JSON))
        })
}

fn parse(body: &[u8], is_optional: bool) -> Result<Map<String, Value>, RestError> {
    let value = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
    let (violation, input) = match value {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(Value::Null) if is_optional => return Ok(Map::new()),
        Ok(Value::Null) => (Violation::Missing, None),
        Ok(other) => (Violation::NotAnObject, Some(other)),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.split_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
            return Err(RestError::not_json(position(body, &error), reason));
        }
    };
    Err(Error::from(FieldError { input: input.map(Box::new), ..FieldError::new("", violation) }).into())
}

/// The position of a syntax error as FastAPI reports it, in characters from the start of the body. `serde_json` reports
/// the line, and bytes within it.
fn position(body: &[u8], error: &serde_json::Error) -> usize {
    let line_starts = body.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len);
    let start: usize = line_starts.take(error.line().saturating_sub(1)).sum();
    let end = if error.is_eof() { body.len() } else { (start + error.column()).saturating_sub(1) };
    let read = body.get(..end).unwrap_or(body);
    String::from_utf8_lossy(read).chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_a_syntax_error_is_the_character_that_should_not_be_there() {
        for (body, expected) in [
            (&b"}"[..], 0),
            (b"{", 1),
            (b"{\"title\":}", 9),
            (b"{\"title\":\"a\",}", 13),
            (b"{\"title\":\"a\"} {}", 14),
            (b"{\"title\":\"a\nb\"}", 11),
            (b"{\"title\":\"a", 11),
            (b"{\n\n x", 4),
            ("\n\n  {\"שלום 🦀\":x}".as_bytes(), 14),
            (b"{\"title\":\"\xff\"}", 10),
        ] {
            let error = serde_json::from_slice::<Value>(body).unwrap_err();
            assert_eq!(position(body, &error), expected, "{:?}: {error}", String::from_utf8_lossy(body));
        }
    }
}
