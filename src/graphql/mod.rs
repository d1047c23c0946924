//! The GraphQL API.
//!
//! | room | what it does |
//! | --- | --- |
//! | `schema/` | The types and root fields (specification, section 3). |
//! | `documents/` | Finds, parses, validates and caches documents (sections 2 and 5). |
//! | `plan/` | Normalizes documents, coerces variables, and binds them (section 6). |
//! | `operation/` | Executes operations, whatever transport they are sent with (sections 6 and 7). |
//! | `http/` | GraphQL over HTTP. |
//! | `websocket/` | GraphQL over WebSocket. |
//! | `graphiql/` | The GraphiQL page. |

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
    documents::{DocumentPolicy, TrustMode, TrustedDocuments},
    engine::Engine,
    http::{PREFLIGHT_HEADERS, error_response},
    limits::{Limits, MAX_NESTING},
    routes::Playground,
    schema::sdl,
};
