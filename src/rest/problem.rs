//! Errors as problem details (RFC 9457), for clients that accept `application/problem+json`.

use std::sync::Arc;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    error::{RestError, ValidationError},
    tasks::task::TaskBody,
};
use crate::http::request::Accept;

const PROBLEM_JSON: &str = "application/problem+json";

/// An error in the format of RFC 9457.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemDetails<'a> {
    /// Always `about:blank`: the status identifies the problem, and `code` is more specific.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The reason phrase of the status.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What went wrong.
    #[schema(example = "Task not found")]
    detail: &'a str,
    /// A stable, machine-readable error code.
    #[schema(example = "NOT_FOUND")]
    code: &'static str,
    /// For invalid input, one entry for each violation.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [ValidationError],
    /// With `VERSION_CONFLICT`, the current task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current: Option<TaskBody>,
    /// With `QUOTA_EXCEEDED`, how many tasks a user may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 100_000)]
    limit: Option<u32>,
}

impl<'a> From<&'a RestError> for ProblemDetails<'a> {
    fn from(error: &'a RestError) -> Self {
        let code = error.error.code();
        let status = StatusCode::from(code);
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: error.error.message(),
            code: code.as_str(),
            errors: &error.violations,
            current: error.current(),
            limit: error.error.quota(),
        }
    }
}

/// The `Accept` headers of a request, which are parsed only if there is an error.
pub(crate) struct Accepted(Vec<HeaderValue>);

impl Accepted {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get_all(header::ACCEPT).iter().cloned().collect())
    }

    /// Replaces an error by problem details if the client accepts them. Other responses stay as they are.
    pub(crate) fn negotiate(&self, mut response: Response) -> Response {
        let Some(error) = response.extensions_mut().remove::<Arc<RestError>>() else { return response };
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
        if !Accept::read(&self.0).names(PROBLEM_JSON) {
            return response;
        }
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        Response::from_parts(parts, Json(ProblemDetails::from(&*error)).into_response().into_body())
    }
}
