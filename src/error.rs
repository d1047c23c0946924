//! The error that operations fail with: what went wrong, and what a client may be told about it. How it is sent is for
//! each door to say.

use std::{borrow::Cow, error::Error as StdError, fmt, num::NonZeroU32, time::Duration};

use crate::task::{FieldError, Task};

/// The result of anything a client can ask for.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn StdError + Send + Sync>;

/// The kind of failure. Both doors send it as `code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No token, or one that was refused.
    Unauthenticated,
    /// A valid token, for somebody else's resource.
    Forbidden,
    /// Missing, or another user's: the two are indistinguishable.
    NotFound,
    /// No such method on this route.
    MethodNotAllowed,
    /// The input breaks a rule; [`Error::fields`] says which.
    BadUserInput,
    /// A document that is not GraphQL.
    GraphqlParseFailed,
    /// A GraphQL document that doesn't fit the schema or exceeds a cost limit.
    GraphqlValidationFailed,
    /// The document that was named is unknown; the client can send it.
    PersistedQueryNotFound,
    /// Automatic persisted queries are off.
    PersistedQueryNotSupported,
    /// Only trusted documents are run, and this one isn't.
    PersistedQueryNotInList,
    /// The task changed since the version the client expected.
    VersionConflict,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// The body is larger than the server reads.
    PayloadTooLarge,
    /// The body is not of a media type the route reads.
    UnsupportedMediaType,
    /// The client takes none of the media types the route answers with.
    NotAcceptable,
    /// The user or the address asked for more than it may; the error says when to come again.
    RateLimited,
    /// The user, the socket or the server has as many streams open as it may.
    TooManyStreams,
    /// The client took too long to send the body.
    BodyTimeout,
    /// The request exceeded its deadline.
    Timeout,
    /// The database is unreachable, slow or busy; a retry may succeed.
    ServiceUnavailable,
    /// A bug or a misconfiguration. The cause is in the log.
    InternalServerError,
}

impl Code {
    /// The code as clients see it.
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

/// A failed request: a public message for the client, and apart from it the cause for the log.
///
/// Deliberately without `Display`: async-graphql turns anything that has it into its own error
/// by `?`, which would drop the code.
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    current: Option<Box<Task>>,
    cause: Option<Cause>,
    limited: Option<Box<RateLimited>>,
    is_about_token: bool,
}

/// A limit that was met.
#[derive(Clone, Copy, Debug)]
pub struct RateLimited {
    /// How much is allowed a minute.
    pub limit: NonZeroU32,
    /// When the same request would not be too much.
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
            is_about_token: false,
        }
    }

    /// A bearer token was refused; the reason names the check that failed and nothing secret.
    #[must_use]
    pub fn invalid_token(reason: &str) -> Self {
        Self { is_about_token: true, ..Self::new(Code::Unauthenticated, format!("Invalid token: {reason}")) }
    }

    /// The task doesn't exist or belongs to another user.
    #[must_use]
    pub fn task_not_found() -> Self {
        Self::new(Code::NotFound, "Task not found")
    }

    /// The task is not at the version the client expected.
    #[must_use]
    pub fn version_conflict(expected: i64, current: Task) -> Self {
        let message = format!("Task has changed: expected version {expected}, it is at version {}", current.version);
        Self { current: Some(Box::new(current)), ..Self::new(Code::VersionConflict, message) }
    }

    /// The idempotency key was used for another request before.
    #[must_use]
    pub fn idempotency_key_reused() -> Self {
        Self::new(Code::IdempotencyKeyReused, "This Idempotency-Key was used for another request")
    }

    /// More was asked for than is allowed.
    #[must_use]
    pub fn rate_limited(limited: RateLimited) -> Self {
        let message = "Too many requests, try again later";
        Self { limited: Some(Box::new(limited)), ..Self::new(Code::RateLimited, message) }
    }

    /// The database can't be reached, or not in time.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        let error = Self::new(Code::ServiceUnavailable, "The service is temporarily unavailable, try again later");
        Self { cause: Some(cause.into()), ..error }
    }

    /// Something that should not happen.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        let error = Self::new(Code::InternalServerError, "Internal server error");
        Self { cause: Some(cause.into()), ..error }
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the client is told.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether there was a bearer token and it was refused.
    #[must_use]
    pub fn is_about_token(&self) -> bool {
        self.is_about_token
    }

    /// The inputs that broke a rule; empty unless the code is [`Code::BadUserInput`].
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// The task as it is; only with [`Code::VersionConflict`].
    #[must_use]
    pub fn current(&self) -> Option<&Task> {
        self.current.as_deref()
    }

    /// The limit that was met; only with [`Code::RateLimited`].
    #[must_use]
    pub fn limited(&self) -> Option<&RateLimited> {
        self.limited.as_deref()
    }

    /// For operators: the cause with its sources, or the message if there is no cause.
    #[must_use]
    pub fn report(&self) -> String {
        self.cause.as_ref().map_or_else(|| self.message.to_string(), |cause| Chain(cause.as_ref()).to_string())
    }

    /// Logs the cause, if there is one. Called once, by the door that answers with this error.
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

/// An error with its sources, on one line.
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
