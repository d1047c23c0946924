//! What handlers read from the path and the headers.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use crate::{
    error::{Code, Error},
    http::{rate_limiting::REQUEST_COST, request},
    rest::{
        error::RestError,
        openapi::schemas::{header_param, path_param, string, uuid},
    },
    state::SharedState,
    store::UserTasks,
    task::{FieldError, TaskId, Violation},
};

/// The tasks of the token's user. If the path names a user, it must be the same one.
pub(crate) struct OwnTasks(pub(crate) UserTasks);

impl FromRequestParts<SharedState> for OwnTasks {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, RestError> {
        let token = state.verifier.authenticate(&parts.headers).await?;
        let user = token.user().clone();
        state.rate_limits.charge(&user, REQUEST_COST)?;
        if read_path(parts, state, "user_id").await?.is_some_and(|owner| owner != user.id()) {
            return Err(Error::new(Code::Forbidden, "Not authorized to access this user's tasks").into());
        }
        let tasks = state.db.tasks(user);
        if parts.method.is_safe() {
            return Ok(Self(tasks));
        }
        let key = request::idempotency(&parts.headers, &parts.extensions);
        Ok(Self(tasks.idempotent(key.map_err(|error| RestError::in_part("header", error))?)))
    }
}

/// The task id in the path.
pub(crate) struct Id(pub(crate) TaskId);

impl FromRequestParts<SharedState> for Id {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, RestError> {
        let text = read_path(parts, state, "task_id").await?.unwrap_or_default();
        let id = text.parse().map_err(|violation| FieldError::new("task_id", violation).with_input(text));
        id.map(Self).map_err(|error| RestError::in_part("path", error))
    }
}

impl IntoParams for Id {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![path_param("task_id", "The task's id.", uuid())]
    }
}

async fn read_path(parts: &mut Parts, state: &SharedState, name: &str) -> Result<Option<String>, RestError> {
    let params = RawPathParams::from_request_parts(parts, state).await;
    let params =
        params.map_err(|_| RestError::in_part("path", Error::new(Code::BadUserInput, "The path is not UTF-8")))?;
    Ok(params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()))
}

/// The version that a change expects, from `If-Match`.
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl FromRequestParts<SharedState> for IfMatch {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, RestError> {
        let values: Vec<_> = parts.headers.get_all(header::IF_MATCH).iter().map(HeaderValue::as_bytes).collect();
        if values.is_empty() {
            return Ok(Self(None));
        }
        let given = String::from_utf8_lossy(&values.join(&b", "[..])).into_owned();
        let tag = given.trim();
        if tag == "*" {
            return Ok(Self(None));
        }
        let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|tag| tag.parse().ok());
        // A tag that can't be read must not be ignored: the change would overwrite what the client meant to protect.
        version.map(|version| Self(Some(version))).ok_or_else(|| {
            let violation = Violation::Custom("must be a single entity tag like \"3\", or *");
            RestError::in_part("header", FieldError::new("if-match", violation).with_input(given))
        })
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let tag = string().pattern(Some("^(\\*|\"[0-9]{1,18}\")$"));
        vec![header_param("If-Match", "The expected version of the task, like `\"3\"`, or `*` for any.", tag)]
    }
}

/// The entity tags that the client has cached, from `If-None-Match`.
pub(crate) struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Whether the client has this representation. Comparison is weak (RFC 9110, section 13.1.2).
    pub(crate) fn matches(&self, tag: &str) -> bool {
        let tag = tag.trim_start_matches("W/");
        let tags = self.0.iter().flat_map(|value| value.split(',')).map(str::trim);
        tags.into_iter().any(|cached| cached == "*" || cached.trim_start_matches("W/") == tag)
    }
}

impl FromRequestParts<SharedState> for IfNoneMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, Self::Rejection> {
        let value = parts.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        Ok(Self(value.map(ToOwned::to_owned)))
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Entity tags that the client has cached, or `*`. If one matches, the response is 304.";
        vec![header_param("If-None-Match", description, string())]
    }
}

/// The client's preferences, from `Prefer` (RFC 7240).
#[derive(Clone, Copy, Default)]
pub(crate) struct Prefer {
    /// `count=exact`, as in `PostgREST`: the total is wanted.
    pub(crate) count: bool,
}

impl Prefer {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
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
        vec![header_param("Prefer", "`count=exact` requests `X-Total-Count`, as `count=true` does.", string())]
    }
}
