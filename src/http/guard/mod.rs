//! What stands around the routes: panics, deadlines, CORS, security headers, and bodies left unread.

mod cors;
mod guarded;
mod loopback;
mod outgoing;
mod probes;
mod security_headers;
mod socket_origin;
mod unread_body;

pub use self::outgoing::Outgoing;
pub(crate) use self::{
    cors::cors,
    guarded::{AboveLimit, check_connection, guarded},
    loopback::is_own_host,
    outgoing::Held,
    probes::{PROBES, is_probe},
    security_headers::security_headers,
    socket_origin::check_socket_origin,
    unread_body::UnreadBody,
};
