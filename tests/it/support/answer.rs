//! The server's response, and assertions on it.

use std::fmt;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use serde_json::Value;
use tower::ServiceExt;

/// The server's response.
#[derive(Debug)]
pub struct Answer {
    /// The method and the path of the request.
    asked: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, if it is JSON.
    pub json: Value,
    pub text: String,
}

/// The router's response to a request, without a network in between.
pub async fn to(router: Router, request: Request<Body>) -> Answer {
    let asked = format!("{} {}", request.method(), request.uri());
    let (parts, body) = router.oneshot(request).await.expect("infallible").into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let json = serde_json::from_slice(&body).unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    Answer { asked, status: parts.status, headers: parts.headers, json, text }
}

impl Answer {
    /// The body of a success; of a GraphQL response its data, which must come without errors.
    #[track_caller]
    pub fn good(mut self) -> Value {
        assert!(self.status.is_success() && self.json.get("errors").is_none(), "{self}");
        match self.json.get_mut("data") {
            Some(data) => data.take(),
            None => self.json,
        }
    }

    /// Asserts the status.
    #[track_caller]
    pub fn status(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{self}");
        self
    }

    /// Asserts an error: its status and its code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{self}");
        self
    }

    /// Asserts a GraphQL response without data: nothing ran.
    #[track_caller]
    pub fn ran_nothing(&self) -> &Self {
        assert_eq!(self.json.get("data"), None, "{self}");
        self
    }

    /// A header as text; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The error's code, through either door; empty if there is none.
    pub fn code(&self) -> &str {
        let code = self.json.get("code").or_else(|| self.json.pointer("/errors/0/extensions/code"));
        code.and_then(Value::as_str).unwrap_or_default()
    }

    /// The fields a GraphQL error is about.
    pub fn fields(&self) -> Vec<&str> {
        let fields = self.json.pointer("/errors/0/extensions/fields").and_then(Value::as_object);
        fields.map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// Whether it replays the outcome of an earlier request under the same idempotency key.
    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == "true"
    }

    /// A GraphQL response's data, which must come without errors.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert_eq!(self.json.get("errors"), None, "{self}");
        &self.json["data"]
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was answered {}: {:.500}", self.asked, self.status, self.text)
    }
}
