//! What stands around the routes: panics, deadlines, CORS, security headers, and bodies: read, or left unread.

mod body;
mod cors;
mod guarded;
mod loopback;
mod outgoing;
mod probes;
mod security_headers;
mod socket_origin;
mod unread_body;

pub(crate) use self::{
    body::expect_large,
    cors::cors,
    guarded::{AboveLimit, check_connection, guarded},
    loopback::is_own_host,
    outgoing::Held,
    probes::{PROBES, is_probe},
    security_headers::security_headers,
    socket_origin::check_socket_origin,
    unread_body::UnreadBody,
};
pub use self::{
    body::{Bodies, MAX_BODY, SMALL_BODY},
    outgoing::Outgoing,
};
