//! The headers of idempotency: the key of a request, and the mark of an answer that was replayed.

use axum::{
    http::{HeaderMap, HeaderValue},
    response::Response,
};

use crate::{
    store::{Idempotency, Replayed},
    task::{FieldError, IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, IdempotencyKey},
};

/// What `Idempotency-Key` asks for; `None` without the header.
pub(crate) fn idempotency(headers: &HeaderMap, replayed: &Replayed) -> Result<Option<Idempotency>, FieldError> {
    let key = IdempotencyKey::from_values(headers.get_all(IDEMPOTENCY_KEY).iter().map(HeaderValue::as_bytes));
    let key = key.map_err(|violation| FieldError::new(IDEMPOTENCY_KEY, violation))?;
    Ok(key.map(|key| Idempotency::new(key, replayed.clone())))
}

/// Marks an answer that repeats an earlier one.
pub(crate) fn mark_replayed(replayed: &Replayed, response: &mut Response) {
    if replayed.get() {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
}
