//! The error responses of each operation.

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::{Content, Ref, ResponseBuilder, Responses, header::HeaderBuilder};

use crate::error::Code;

/// The properties of an operation that determine its errors.
#[expect(clippy::struct_excessive_bools, reason = "independent of each other")]
pub(super) struct Traits {
    pub(super) is_legacy: bool,
    pub(super) has_id: bool,
    pub(super) has_body: bool,
    pub(super) has_version: bool,
    /// Whether it may add tasks.
    pub(super) creates: bool,
}

/// An error, its condition, and an example of its `detail`.
struct ErrorResponse {
    code: Code,
    when: &'static str,
    detail: &'static str,
    applies: fn(&Traits) -> bool,
}

const ERRORS: [ErrorResponse; 14] = [
    ErrorResponse {
        code: Code::Unauthenticated,
        when: "The token is missing or invalid. `detail` names the check that failed.",
        detail: "Invalid token: token expired",
        applies: |_| true,
    },
    ErrorResponse {
        code: Code::Forbidden,
        when: "The user in the path is not the token's user.",
        detail: "Not authorized to access this user's tasks",
        applies: |operation| operation.is_legacy && !operation.creates,
    },
    ErrorResponse {
        code: Code::QuotaExceeded,
        when: "The user would have more tasks than a user may have (`QUOTA_EXCEEDED`); `limit` has their number. Or the path \
               names another user than the token's (`FORBIDDEN`).",
        detail: "A user may have 100000 tasks here: delete some first",
        applies: |operation| operation.creates,
    },
    ErrorResponse {
        code: Code::NotFound,
        when: "The task doesn't exist or belongs to another user; the two are indistinguishable.",
        detail: "Task not found",
        applies: |operation| operation.has_id,
    },
    ErrorResponse {
        code: Code::BodyTimeout,
        when: "The client took too long to send the body. The server closes the connection.",
        detail: "The body took longer than it may (BODY_TIMEOUT)",
        applies: |operation| operation.has_body,
    },
    ErrorResponse {
        code: Code::IdTaken,
        when: "A task that says something else has the `id` of a new task, or had it before it was deleted.",
        detail: "Another task has the id 01a1fe19-a73c-72af-a397-b7572654bf7a, or had it",
        applies: |operation| operation.creates,
    },
    ErrorResponse {
        code: Code::VersionConflict,
        when: "The task is not at the version in `If-Match`. `current` has the current task, unless it is deleted.",
        detail: "Task has changed: expected version 1, it is at version 2",
        applies: |operation| operation.has_version,
    },
    ErrorResponse {
        code: Code::PayloadTooLarge,
        when: "The body is larger than the server reads: than 1 MiB, unless it is set otherwise (`MAX_BODY`).",
        detail: "The body is larger than the server reads (MAX_BODY)",
        applies: |operation| operation.has_body,
    },
    ErrorResponse {
        code: Code::UnsupportedMediaType,
        when: "`Content-Type` is not JSON, or the body has a `Content-Encoding`.",
        detail: "Send the body with Content-Type: application/json",
        applies: |operation| operation.has_body,
    },
    ErrorResponse {
        code: Code::BadUserInput,
        when: "The input is invalid (`BAD_USER_INPUT`), or the `Idempotency-Key` was used for a different request \
               (`IDEMPOTENCY_KEY_REUSED`).",
        detail: "",
        applies: |_| true,
    },
    ErrorResponse {
        code: Code::RateLimited,
        when: "The user or the IP address exceeded a rate limit (`RATE_LIMITED`); `Retry-After` says when to retry. Or too \
               many event streams are open (`TOO_MANY_STREAMS`).",
        detail: "Too many requests, try again later",
        applies: |_| true,
    },
    ErrorResponse {
        code: Code::InternalServerError,
        when: "Unexpected error. The server has logged the cause.",
        detail: "Internal server error",
        applies: |_| true,
    },
    ErrorResponse {
        code: Code::ServiceUnavailable,
        when: "The database is unreachable, slow or overloaded. Retry later.",
        detail: "The service is temporarily unavailable, try again later",
        applies: |_| true,
    },
    ErrorResponse {
        code: Code::Timeout,
        when: "The request exceeded its deadline.",
        detail: "The request took too long",
        applies: |_| true,
    },
];

impl ErrorResponse {
    fn example(&self) -> Value {
        let invalid = json!({ "type": "string_too_short", "loc": ["body", "title"], "input": "",
                              "msg": "String should have at least 1 character", "ctx": { "min_length": 1 } });
        let detail = if self.detail.is_empty() { json!([invalid]) } else { json!(self.detail) };
        json!({ "detail": detail, "code": self.code.as_str() })
    }
}

/// Adds an operation's error responses.
pub(super) fn add(responses: &mut Responses, operation: &Traits) {
    for error in ERRORS.iter().filter(|error| (error.applies)(operation)) {
        let mut json = Content::new(Some(Ref::from_schema_name("Error")));
        json.example = Some(error.example());
        let problem = Content::new(Some(Ref::from_schema_name("ProblemDetails")));
        let mut response = ResponseBuilder::new()
            .description(error.when)
            .content("application/json", json)
            .content("application/problem+json", problem);
        if error.code == Code::Unauthenticated {
            response = response.header("WWW-Authenticate", HeaderBuilder::new().description(Some("`Bearer`")).build());
        }
        responses.responses.insert(StatusCode::from(error.code).as_str().to_owned(), response.build().into());
    }
}
