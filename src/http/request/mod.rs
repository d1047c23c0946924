//! Reading requests: bodies, JSON, media types, idempotency keys and request ids.

mod body;
mod idempotency;
mod json;
mod media_type;
mod request_id;

pub use self::body::MAX_BODY;
pub(crate) use self::{
    body::{check_head, read_body},
    idempotency::{expect_replay, idempotency, mark_replayed},
    json::Json,
    media_type::{Accept, content_type, quality},
    request_id::drop_invalid_request_id,
};
