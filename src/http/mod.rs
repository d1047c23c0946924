//! What both doors need of HTTP: media types, statuses, bodies, idempotency headers, and the layers around the routes.
//! It knows neither door.

mod body;
mod cors;
mod guard;
mod idempotency;
mod json;
mod loopback;
mod media_type;
mod probes;
mod rate_limit;
mod request_id;
mod security_headers;
mod socket_origin;
mod status;
mod unread_body;

pub use self::body::MAX_BODY;
pub(crate) use self::{
    body::{check_head, read_body},
    cors::cors,
    guard::{AboveLimit, check_connection, guarded},
    idempotency::{expect_replay, idempotency, mark_replayed},
    json::Json,
    loopback::is_own_host,
    media_type::{Accept, content_type, quality},
    probes::{PROBES, is_probe},
    rate_limit::{RATE_LIMIT_HEADERS, RETRY_SOON, admit, charge_refused_token, retry_after},
    request_id::drop_invalid_request_id,
    security_headers::security_headers,
    socket_origin::check_socket_origin,
    unread_body::UnreadBody,
};
