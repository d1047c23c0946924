//! HTTP as both APIs have it: connections, bodies, headers and rate limits.

mod connections;
mod headers;
mod hostile;
mod rate_limits;
mod refused_writes;
