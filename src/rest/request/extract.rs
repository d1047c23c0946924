//! What handlers take from a request besides its query and its body.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use utoipa::{
    IntoParams,
    openapi::{
        Object, ObjectBuilder, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use crate::{
    error::{Code, Error},
    http::{rate_limiting::REQUEST_COST, request},
    rest::{error::RestError, openapi::schemas},
    state::SharedState,
    store::{Idempotency, UserTasks},
    task::{FieldError, TaskId, Violation},
};

/// The tasks of the token's user. A user id in the path must be the same.
pub(in crate::rest) struct OwnTasks(pub(in crate::rest) UserTasks);

impl FromRequestParts<SharedState> for OwnTasks {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, RestError> {
        let user = state.verifier.authenticate(&parts.headers).await?;
        state.rate_limits.charge(&user, REQUEST_COST)?;
        match path_param(parts, state, "user_id").await? {
            Some(owner) if owner != user.id() => {
                Err(Error::new(Code::Forbidden, "Not authorized to access this user's tasks").into())
            }
            _ => Ok(Self(state.db.tasks(user).idempotent(idempotency(parts)?))),
        }
    }
}

/// The idempotency key of a request that writes.
fn idempotency(parts: &Parts) -> Result<Option<Idempotency>, RestError> {
    if parts.method.is_safe() {
        return Ok(None);
    }
    request::idempotency(&parts.headers, &parts.extensions).map_err(|error| RestError::in_part("header", error))
}

/// The task id in the path.
pub(in crate::rest) struct Id(pub(in crate::rest) TaskId);

impl FromRequestParts<SharedState> for Id {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, RestError> {
        let text = path_param(parts, state, "task_id").await?.unwrap_or_default();
        let id = text
            .parse()
            .map_err(|violation| RestError::in_part("path", FieldError::new("task_id", violation).given(text)))?;
        Ok(Self(id))
    }
}

impl IntoParams for Id {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = ParameterBuilder::new().name("task_id").parameter_in(ParameterIn::Path);
        vec![
            parameter
                .required(Required::True)
                .description(Some("The task's id."))
                .schema(Some(schemas::uuid()))
                .build(),
        ]
    }
}

async fn path_param(parts: &mut Parts, state: &SharedState, name: &str) -> Result<Option<String>, RestError> {
    let params = RawPathParams::from_request_parts(parts, state).await;
    let params =
        params.map_err(|_| RestError::in_part("path", Error::new(Code::BadUserInput, "The path is not UTF-8")))?;
    Ok(params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()))
}

/// The version that a change expects, from `If-Match`.
pub(in crate::rest) struct IfMatch(pub(in crate::rest) Option<i64>);

impl FromRequestParts<SharedState> for IfMatch {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, RestError> {
        let mut values = parts.headers.get_all(header::IF_MATCH).into_iter();
        let expected = match (values.next(), values.next()) {
            (None, _) => return Ok(Self(None)),
            (Some(value), None) => expected_version(value),
            (Some(_), Some(_)) => None,
        };
        // What can't be read must not be ignored: the change would overwrite what the client wanted to protect.
        expected.map(Self).ok_or_else(|| {
            let given = parts.headers.get_all(header::IF_MATCH).into_iter().map(HeaderValue::as_bytes);
            let given = String::from_utf8_lossy(&given.collect::<Vec<_>>().join(&b", "[..])).into_owned();
            let violation = Violation::Combination("give one entity tag like \"3\", or *");
            RestError::in_part("header", FieldError::new("if-match", violation).given(given))
        })
    }
}

/// `"3"` expects version 3, `*` any. `None` for anything else.
fn expected_version(value: &HeaderValue) -> Option<Option<i64>> {
    match value.to_str().ok()?.trim() {
        "*" => Some(None),
        tag => tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok().map(Some),
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let tag = string().pattern(Some("^(\\*|\"[0-9]{1,18}\")$")).build();
        vec![header_param("If-Match", "The version that the task must have, like `\"3\"`, or `*` for any.", tag)]
    }
}

/// The entity tags that the client has already, from `If-None-Match`.
pub(in crate::rest) struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Whether one of its tags is this one. Comparison is weak (RFC 9110, section 13.1.2).
    pub(in crate::rest) fn names(&self, tag: &str) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        self.0
            .as_deref()
            .is_some_and(|value| value.split(',').any(|known| known.trim() == "*" || opaque(known) == opaque(tag)))
    }
}

impl FromRequestParts<SharedState> for IfNoneMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, Self::Rejection> {
        Ok(Self(text(&parts.headers, &header::IF_NONE_MATCH).map(ToOwned::to_owned)))
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Entity tags that the client has already, or `*`. If one of them matches, the answer is 304.";
        vec![header_param("If-None-Match", description, string().build())]
    }
}

/// What the client would like, from `Prefer` (RFC 7240).
#[derive(Clone, Copy, Default)]
pub(in crate::rest) struct Prefer {
    /// `count=exact`: the length of the whole list. From `PostgREST`.
    pub(in crate::rest) count: bool,
}

impl Prefer {
    pub(in crate::rest) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
        let count = values.flat_map(|value| value.split(',')).any(|preference| {
            let token = preference.split(';').next().unwrap_or_default();
            let (name, value) = token.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("count") && value.trim().trim_matches('"') == "exact"
        });
        Self { count }
    }
}

impl IntoParams for Prefer {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_param("Prefer", "`count=exact` asks for `X-Total-Count`, as `count` does.", string().build())]
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The `Idempotency-Key` of a write, as OpenAPI describes it.
pub(in crate::rest) fn idempotency_key() -> Parameter {
    let key = string().min_length(Some(1)).max_length(Some(255)).pattern(Some("^[!-~]+$")).build();
    let description = "Identifies this request. When it is repeated with the same key within 24 hours, it is not \
                       carried out again: the answer is the original one, with `Idempotent-Replayed: true`.";
    header_param("Idempotency-Key", description, key)
}

/// The user of the legacy routes, as OpenAPI describes it.
pub(in crate::rest) fn user_id() -> Parameter {
    let parameter = ParameterBuilder::new().name("user_id").parameter_in(ParameterIn::Path).required(Required::True);
    parameter.description(Some("The user of the token.")).schema(Some(string().build())).build()
}

pub(in crate::rest) fn header_param(name: &str, description: &str, schema: Object) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    parameter.description(Some(description)).schema(Some(schema)).build()
}

pub(in crate::rest) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
