//! The error type of both APIs: what a client may see, and separately the cause for the log. Each API formats it.

use std::{borrow::Cow, error::Error as StdError, fmt, num::NonZeroU32, time::Duration};

use crate::task::{FieldError, Task, TaskId};

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn StdError + Send + Sync>;

/// The kind of error. Both APIs send it as `code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The token is missing or was refused.
    Unauthenticated,
    /// The token is valid, but for another user.
    Forbidden,
    /// The resource doesn't exist or belongs to another user; the two are indistinguishable.
    NotFound,
    /// The route doesn't have this method.
    MethodNotAllowed,
    /// The input is invalid; see [`Error::fields`].
    BadUserInput,
    /// The document is not valid GraphQL syntax.
    GraphqlParseFailed,
    /// The GraphQL document doesn't match the schema or exceeds a cost limit.
    GraphqlValidationFailed,
    /// The hash of the document is unknown; the client can send the document.
    PersistedQueryNotFound,
    /// Automatic persisted queries are off.
    PersistedQueryNotSupported,
    /// The document is not one of the trusted documents.
    PersistedQueryNotInList,
    /// The task is not at the version that the client expected.
    VersionConflict,
    /// The user has as many tasks as a user may have; see [`Error::quota`].
    QuotaExceeded,
    /// A task that says something else has the id of the new task, or had it.
    IdTaken,
    /// The idempotency key was used for a different request.
    IdempotencyKeyReused,
    /// The body is too large.
    PayloadTooLarge,
    /// The route doesn't read the body's media type.
    UnsupportedMediaType,
    /// The client accepts none of the route's media types.
    NotAcceptable,
    /// The user or the address exceeded a rate limit; see [`Error::limited`].
    RateLimited,
    /// The user, the socket or the server has too many open streams.
    TooManyStreams,
    /// The client took too long to send the body.
    BodyTimeout,
    /// The request exceeded its deadline.
    Timeout,
    /// The database is unreachable, slow or overloaded; a retry may succeed.
    ServiceUnavailable,
    /// A bug or a misconfiguration. The cause is in the log.
    InternalServerError,
}

impl Code {
    /// The code that clients see.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::PersistedQueryNotInList => "PERSISTED_QUERY_NOT_IN_LIST",
            Self::VersionConflict => "VERSION_CONFLICT",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::IdTaken => "ID_TAKEN",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::RateLimited => "RATE_LIMITED",
            Self::TooManyStreams => "TOO_MANY_STREAMS",
            Self::BodyTimeout => "BODY_TIMEOUT",
            Self::Timeout => "TIMEOUT",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }
}

/// An error: a public message for the client, and separately the cause for the log.
///
/// Deliberately without `Display`: with `?`, async-graphql would convert anything that implements it, and drop the code.
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    current: Option<Box<Task>>,
    cause: Option<Cause>,
    limited: Option<Box<RateLimited>>,
    quota: Option<NonZeroU32>,
    is_invalid_token: bool,
}

/// A rate limit that was exceeded.
#[derive(Clone, Copy, Debug)]
pub struct RateLimited {
    /// The quota per minute.
    pub limit: NonZeroU32,
    /// How long until the same request would be allowed.
    pub wait: Duration,
}

impl Error {
    /// An error with a message for the client.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
            current: None,
            cause: None,
            limited: None,
            quota: None,
            is_invalid_token: false,
        }
    }

    /// A bearer token was refused. The client sees the reason, so it must not contain secrets.
    #[must_use]
    pub fn invalid_token(reason: &str) -> Self {
        Self { is_invalid_token: true, ..Self::new(Code::Unauthenticated, format!("Invalid token: {reason}")) }
    }

    /// The task doesn't exist or belongs to another user.
    #[must_use]
    pub fn task_not_found() -> Self {
        Self::new(Code::NotFound, "Task not found")
    }

    /// The task is not at the expected version.
    #[must_use]
    pub fn version_conflict(expected: i64, current: Box<Task>) -> Self {
        let message = format!("Task has changed: expected version {expected}, it is at version {}", current.version);
        Self { current: Some(current), ..Self::new(Code::VersionConflict, message) }
    }

    /// Another task of the user has this id, or had it.
    #[must_use]
    pub fn id_taken(id: TaskId) -> Self {
        Self::new(Code::IdTaken, format!("Another task has the id {id}, or had it"))
    }

    /// The task was deleted, and the deletion is not at the expected version.
    #[must_use]
    pub fn deletion_conflict(expected: i64, current: i64) -> Self {
        let message = format!("Task has changed: expected version {expected}, its deletion is at version {current}");
        Self::new(Code::VersionConflict, message)
    }

    /// The idempotency key was used for a different request.
    #[must_use]
    pub fn idempotency_key_reused() -> Self {
        Self::new(Code::IdempotencyKeyReused, "This Idempotency-Key was used for a different request")
    }

    /// A user would have more tasks than these.
    #[must_use]
    pub fn quota_exceeded(max: u32) -> Self {
        let message = format!("A user may have {max} tasks here: delete some first");
        Self { quota: NonZeroU32::new(max), ..Self::new(Code::QuotaExceeded, message) }
    }

    /// A rate limit was exceeded.
    #[must_use]
    pub fn rate_limited(limited: RateLimited) -> Self {
        let message = "Too many requests, try again later";
        Self { limited: Some(Box::new(limited)), ..Self::new(Code::RateLimited, message) }
    }

    /// The database is unreachable, slow or overloaded.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        let error = Self::new(Code::ServiceUnavailable, "The service is temporarily unavailable, try again later");
        Self { cause: Some(cause.into()), ..error }
    }

    /// A bug or a misconfiguration.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        let error = Self::new(Code::InternalServerError, "Internal server error");
        Self { cause: Some(cause.into()), ..error }
    }

    /// The kind of error.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The public message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether a bearer token was refused, rather than missing.
    #[must_use]
    pub fn is_invalid_token(&self) -> bool {
        self.is_invalid_token
    }

    /// The invalid inputs; empty unless the code is [`Code::BadUserInput`].
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// The current task; only with [`Code::VersionConflict`], unless the task is deleted.
    #[must_use]
    pub fn current(&self) -> Option<&Task> {
        self.current.as_deref()
    }

    /// The exceeded rate limit; only with [`Code::RateLimited`].
    #[must_use]
    pub fn limited(&self) -> Option<&RateLimited> {
        self.limited.as_deref()
    }

    /// The most tasks that a user may have; only with [`Code::QuotaExceeded`].
    #[must_use]
    pub fn quota(&self) -> Option<u32> {
        self.quota.map(NonZeroU32::get)
    }

    /// For operators: the cause and its sources, or the message if there is no cause.
    #[must_use]
    pub fn report(&self) -> String {
        self.cause.as_ref().map_or_else(|| self.message.to_string(), |cause| Chain(cause.as_ref()).to_string())
    }

    /// Logs the cause, if there is one. Called once, by the API that sends this error.
    pub fn log(&self) {
        if self.cause.is_some() {
            tracing::error!(code = self.code.as_str(), error = self.report(), "request failed");
        }
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [only] => format!("{}: {}", only.field, only.violation),
            _ => "Invalid input".to_owned(),
        };
        Self { fields, ..Self::new(Code::BadUserInput, message) }
    }
}

impl From<FieldError> for Error {
    fn from(invalid: FieldError) -> Self {
        vec![invalid].into()
    }
}

/// Formats an error and its sources on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
