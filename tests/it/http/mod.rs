//! What both APIs have in common of HTTP: connections, bodies, headers and limits.

mod connections;
mod headers;
mod hostile;
mod http2;
mod rate_limits;
mod refused_writes;
