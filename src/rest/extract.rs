//! What a handler takes from a request besides its query and its body.

use std::convert::Infallible;

use axum::{
    extract::{FromRef, FromRequestParts, OriginalUri, RawPathParams},
    http::{HeaderMap, Uri, header, request::Parts},
};

use super::error::RestError;
use crate::{
    auth::Verifier,
    error::{Code, Error},
    http,
    state::AppState,
    store::{Db, Idempotency, Replayed, UserTasks},
    task::{FieldError, TaskId, Violation},
};

/// The caller's own tasks. A user id in the path must be the token's.
pub(super) struct Mine(pub(super) UserTasks);

impl FromRequestParts<AppState> for Mine {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, RestError> {
        let user = Verifier::from_ref(state).authenticate(&parts.headers).await?;
        match path_param(parts, state, "user_id").await? {
            Some(owner) if owner != user.id() => {
                Err(Error::new(Code::Forbidden, "Not authorized to access this user's tasks").into())
            }
            _ => Ok(Self(Db::from_ref(state).tasks(user).idempotent(idempotency(parts)?))),
        }
    }
}

/// Who writes may name the request, to have it carried out once.
fn idempotency(parts: &Parts) -> Result<Option<Idempotency>, RestError> {
    if parts.method.is_safe() {
        return Ok(None);
    }
    let replayed = parts.extensions.get::<Replayed>().cloned().unwrap_or_default();
    http::idempotency(&parts.headers, &replayed).map_err(|fault| RestError::in_part("header", fault))
}

/// The task id in the path.
pub(super) struct Id(pub(super) TaskId);

impl FromRequestParts<AppState> for Id {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, RestError> {
        let text = path_param(parts, state, "task_id").await?.unwrap_or_default();
        let id = text
            .parse()
            .map_err(|violation| RestError::in_part("path", FieldError::new("task_id", violation).given(text)))?;
        Ok(Self(id))
    }
}

async fn path_param(parts: &mut Parts, state: &AppState, name: &str) -> Result<Option<String>, RestError> {
    let params = RawPathParams::from_request_parts(parts, state).await;
    let params =
        params.map_err(|_| RestError::in_part("path", Error::new(Code::BadUserInput, "The path is not UTF-8")))?;
    Ok(params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()))
}

/// Where the request went: the collection's path as the client spelt it.
pub(super) struct Place(pub(super) Uri);

impl FromRequestParts<AppState> for Place {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        Ok(Self(uri))
    }
}

/// The version a change expects, from `If-Match`.
pub(super) struct IfMatch(pub(super) Option<i64>);

impl FromRequestParts<AppState> for IfMatch {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, RestError> {
        let Some(value) = text(&parts.headers, &header::IF_MATCH) else { return Ok(Self(None)) };
        match value.trim() {
            "*" => Ok(Self(None)),
            tag => {
                let violation = Violation::Combination("give one entity tag like \"3\", or *");
                let fault = || RestError::in_part("header", FieldError::new("if-match", violation).given(tag));
                version(tag).map(|version| Self(Some(version))).ok_or_else(fault)
            }
        }
    }
}

/// The versions the client has already, from `If-None-Match`.
pub(super) struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Whether one of its tags is this one, weak or not.
    pub(super) fn names(&self, tag: &str) -> bool {
        let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        self.0
            .as_deref()
            .is_some_and(|value| value.split(',').any(|known| known.trim() == "*" || strong(known) == strong(tag)))
    }
}

impl FromRequestParts<AppState> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(Self(text(&parts.headers, &header::IF_NONE_MATCH).map(ToOwned::to_owned)))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `"3"` is version 3.
fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}
