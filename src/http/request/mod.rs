//! Reading requests: JSON, media types, idempotency keys and request ids.

mod idempotency;
mod json;
mod media_type;
mod request_id;

pub(crate) use self::{
    idempotency::{expect_replay, idempotency, mark_replayed},
    json::Json,
    media_type::{Accept, content_type, quality},
    request_id::drop_invalid_request_id,
};
