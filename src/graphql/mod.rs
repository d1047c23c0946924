//! The GraphQL API.
//!
//! | room | what it does |
//! | --- | --- |
//! | `schema/` | The types and root fields (specification, section 3). |
//! | `documents/` | Finds, parses and caches documents (section 2). |
//! | `plan/` | Turns a document into an operation that can run (sections 5 and 6). |
//! | `operation/` | Runs an operation, whatever it was sent with (sections 6 and 7). |
//! | `http/` | GraphQL over HTTP. |
//! | `websocket/` | GraphQL over WebSocket. |
//! | `graphiql/` | The page for trying it out. |

mod documents;
mod engine;
mod error;
mod graphiql;
mod http;
mod limits;
mod operation;
mod plan;
mod routes;
mod schema;
mod status;
mod websocket;

pub(crate) use self::routes::routes;
pub use self::{
    documents::{Documents, TrustMode, Trusted},
    engine::{Schema, schema},
    http::{PREFLIGHT_HEADERS, error_response},
    limits::{Limits, MAX_NESTING},
    routes::Playground,
    schema::sdl,
};
