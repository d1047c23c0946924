//! What both APIs need of HTTP. It knows neither of them.
//!
//! | room | what it does |
//! | --- | --- |
//! | `request/` | Reads requests: bodies, JSON, media types, idempotency keys, request ids. |
//! | `guard/` | Stands around the routes: panics, deadlines, CORS, security headers, bodies left unread. |
//! | `rate_limiting/` | How much a user and an address may ask for. |
//! | `streams/` | Responses that stay open: WebSockets and event streams. |

pub mod guard;
pub mod health;
pub mod rate_limiting;
pub mod request;
mod status;
pub mod streams;
