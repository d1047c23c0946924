//! The ways to be refused, for every operation they can happen to.

use serde_json::{Value, json};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder, Responses, header::HeaderBuilder, path::Parameter};

/// What an operation is asked with.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(super) struct Asked {
    pub(super) is_legacy: bool,
    pub(super) has_id: bool,
    pub(super) has_body: bool,
    pub(super) has_version: bool,
}

/// A status, when it comes, and an error that has it.
struct Refusal {
    status: &'static str,
    when: &'static str,
    code: &'static str,
    detail: &'static str,
    concerns: fn(&Asked) -> bool,
}

const REFUSALS: [Refusal; 11] = [
    Refusal {
        status: "401",
        when: "No token, or one that was refused; `detail` says which check failed.",
        code: "UNAUTHENTICATED",
        detail: "token expired",
        concerns: |_| true,
    },
    Refusal {
        status: "403",
        when: "The user in the path is not the one in the token.",
        code: "FORBIDDEN",
        detail: "Not authorized to access this user's tasks",
        concerns: |asked| asked.is_legacy,
    },
    Refusal {
        status: "404",
        when: "No such task, or another user's: the two can't be told apart.",
        code: "NOT_FOUND",
        detail: "Task not found",
        concerns: |asked| asked.has_id,
    },
    Refusal {
        status: "408",
        when: "The client took longer to send the body than it may. The connection is closed.",
        code: "BODY_TIMEOUT",
        detail: "The body took longer than it may (BODY_TIMEOUT)",
        concerns: |asked| asked.has_body,
    },
    Refusal {
        status: "412",
        when: "The task is not at the version that `If-Match` names. `current` is the task as it is.",
        code: "VERSION_CONFLICT",
        detail: "Task has changed: expected version 1, it is at version 2",
        concerns: |asked| asked.has_version,
    },
    Refusal {
        status: "413",
        when: "The body is larger than 64 KiB.",
        code: "PAYLOAD_TOO_LARGE",
        detail: "The body is larger than the server reads",
        concerns: |asked| asked.has_body,
    },
    Refusal {
        status: "415",
        when: "The body is not JSON by its `Content-Type`.",
        code: "UNSUPPORTED_MEDIA_TYPE",
        detail: "Send the body with Content-Type: application/json",
        concerns: |asked| asked.has_body,
    },
    Refusal {
        status: "422",
        when: "Something breaks a rule (`BAD_USER_INPUT`), or the `Idempotency-Key` was used for another request \
               (`IDEMPOTENCY_KEY_REUSED`).",
        code: "BAD_USER_INPUT",
        detail: "",
        concerns: |_| true,
    },
    Refusal {
        status: "500",
        when: "Our fault.",
        code: "INTERNAL_SERVER_ERROR",
        detail: "Internal server error",
        concerns: |_| true,
    },
    Refusal {
        status: "503",
        when: "The database is gone, slow or busy. Try again later.",
        code: "SERVICE_UNAVAILABLE",
        detail: "The service is temporarily unavailable, try again later",
        concerns: |_| true,
    },
    Refusal {
        status: "504",
        when: "The request took longer than it may.",
        code: "TIMEOUT",
        detail: "The request took too long",
        concerns: |_| true,
    },
];

impl Refusal {
    fn example(&self) -> Value {
        let fault = json!({ "type": "string_too_short", "loc": ["body", "title"], "input": "",
                            "msg": "String should have at least 1 character", "ctx": { "min_length": 1 } });
        let detail = if self.detail.is_empty() { json!([fault]) } else { json!(self.detail) };
        json!({ "detail": detail, "code": self.code })
    }
}

/// Adds the refusals that concern an operation.
pub(super) fn add(responses: &mut Responses, asked: &Asked) {
    for refusal in REFUSALS.iter().filter(|refusal| (refusal.concerns)(asked)) {
        let mut older = Content::new(Some(Ref::from_schema_name("Error")));
        older.example = Some(refusal.example());
        let mut response = ResponseBuilder::new()
            .description(refusal.when)
            .content("application/json", older)
            .content("application/problem+json", Content::new(Some(Ref::from_schema_name("Problem"))));
        if refusal.status == "401" {
            response = response.header("WWW-Authenticate", HeaderBuilder::new().description(Some("`Bearer`")).build());
        }
        responses.responses.insert(refusal.status.to_owned(), response.build().into());
    }
}

/// Whether it is the parameter of this name.
pub(super) fn is_named(parameter: &RefOr<Parameter>, name: &str) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.name == name)
}
