//! Errors as RFC 9457 has them, for clients that ask for `application/problem+json`.

use axum::{
    Json,
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use mime::Mime;
use serde::Serialize;
use serde_json::Value;

use crate::http::{accepted, quality};

const PROBLEM_JSON: &str = "application/problem+json";

/// The other form of an error. It travels beside the older one, since only the outermost layer knows which is asked for.
#[derive(Clone, Serialize)]
pub(super) struct ProblemDetails {
    /// `about:blank`: the status says what kind of problem it is, and `code` says it more exactly.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
    pub(super) status: u16,
    pub(super) detail: String,
    pub(super) code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) errors: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<Value>,
}

/// Answers errors in the form that the request accepts. Everything else passes through.
pub async fn negotiate(request: Request, next: Next) -> Response {
    let is_wanted = accepts_problems(request.headers());
    let mut response = next.run(request).await;
    let Some(violation) = response.extensions_mut().remove::<ProblemDetails>() else { return response };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    if is_wanted { in_form_of_problem(response, &violation) } else { response }
}

/// The other headers stay.
fn in_form_of_problem(response: Response, violation: &ProblemDetails) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    Response::from_parts(parts, Json(violation).into_response().into_body())
}

/// Only who names the type gets it: `*/*` is what old clients send.
fn accepts_problems(headers: &HeaderMap) -> bool {
    let is_problem = |range: &Mime| range.essence_str() == PROBLEM_JSON && quality(range) > 0;
    accepted(headers).is_some_and(|ranges| ranges.iter().any(is_problem))
}
