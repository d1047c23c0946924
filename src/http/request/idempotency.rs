//! The headers of idempotency: the key of a request, and the mark of a replayed response.

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap, HeaderValue},
    response::Response,
};

use crate::{
    store::{Idempotency, Replayed},
    task::{FieldError, IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, IdempotencyKey},
};

/// Lets the handler report whether it replays an earlier response, if the request has a key.
pub(crate) fn expect_replay(request: &mut Request) -> Option<Replayed> {
    if !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return None;
    }
    let replayed = Replayed::default();
    request.extensions_mut().insert(replayed.clone());
    Some(replayed)
}

/// What `Idempotency-Key` asks for; `None` without the header.
pub(crate) fn idempotency(headers: &HeaderMap, extensions: &Extensions) -> Result<Option<Idempotency>, FieldError> {
    let key = IdempotencyKey::from_values(headers.get_all(IDEMPOTENCY_KEY).iter().map(HeaderValue::as_bytes));
    let key = key.map_err(|violation| FieldError::new(IDEMPOTENCY_KEY, violation))?;
    Ok(key.map(|key| Idempotency::new(key, extensions.get::<Replayed>().cloned().unwrap_or_default())))
}

/// Marks a replayed response.
pub(crate) fn mark_replayed(replayed: Option<&Replayed>, response: &mut Response) {
    if replayed.is_some_and(Replayed::get) {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
}
