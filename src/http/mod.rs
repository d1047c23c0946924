//! What both doors need of HTTP: media types, statuses, bodies, idempotency headers, and the layers around the routes.
//! It knows neither door.

mod body;
mod cors;
mod guard;
mod idempotency;
mod loopback;
mod media_type;
mod request_id;
mod status;

pub use self::body::MAX_BODY;
pub(crate) use self::{
    body::unreadable,
    cors::cors,
    guard::guarded,
    idempotency::{idempotency, mark_replayed},
    loopback::{is_loopback, is_own_host},
    media_type::{accepted, content_type, quality},
    request_id::drop_invalid_request_id,
};
