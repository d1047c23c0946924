//! The status of an error.

use axum::http::StatusCode;

use crate::error::Code;

impl From<Code> for StatusCode {
    fn from(code: Code) -> Self {
        match code {
            Code::GraphqlParseFailed
            | Code::GraphqlValidationFailed
            | Code::PersistedQueryNotFound
            | Code::PersistedQueryNotSupported
            | Code::PersistedQueryNotInList => Self::BAD_REQUEST,
            Code::Unauthenticated => Self::UNAUTHORIZED,
            Code::Forbidden | Code::QuotaExceeded => Self::FORBIDDEN,
            Code::NotFound => Self::NOT_FOUND,
            Code::MethodNotAllowed => Self::METHOD_NOT_ALLOWED,
            Code::NotAcceptable => Self::NOT_ACCEPTABLE,
            Code::BodyTimeout => Self::REQUEST_TIMEOUT,
            Code::IdTaken => Self::CONFLICT,
            Code::VersionConflict => Self::PRECONDITION_FAILED,
            Code::PayloadTooLarge => Self::PAYLOAD_TOO_LARGE,
            Code::UnsupportedMediaType => Self::UNSUPPORTED_MEDIA_TYPE,
            Code::BadUserInput | Code::IdempotencyKeyReused => Self::UNPROCESSABLE_ENTITY,
            Code::RateLimited | Code::TooManyStreams => Self::TOO_MANY_REQUESTS,
            Code::InternalServerError => Self::INTERNAL_SERVER_ERROR,
            Code::ServiceUnavailable => Self::SERVICE_UNAVAILABLE,
            Code::Timeout => Self::GATEWAY_TIMEOUT,
        }
    }
}
