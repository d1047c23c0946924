//! The GraphQL API.
//!
//! | room | what it does |
//! | --- | --- |
//! | `schema/` | The types and root fields (specification, section 3). |
//! | `documents/` | Finds, parses and caches documents (section 2). |
//! | `plan/` | Turns a document into an operation that can run (sections 5 and 6). |
//! | `http/` | GraphQL over HTTP. |
//! | `graphiql/` | The page for trying it out. |

mod documents;
mod engine;
mod error;
mod graphiql;
mod http;
mod limits;
mod plan;
mod routes;
mod schema;

pub use self::{
    documents::{Documents, TrustMode, Trusted},
    engine::{Schema, schema},
    http::{PREFLIGHT_HEADERS, error_response},
    limits::{Limits, MAX_NESTING},
    routes::{Playground, routes},
    schema::sdl,
};
