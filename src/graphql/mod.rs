//! The GraphQL door: types and root fields in GraphQL's words, each one call to a resolver.
//!
//! | room | what it does |
//! | --- | --- |
//! | `schema/` | The types and root fields (specification, section 3). |
//! | `documents/` | Finds, parses and caches documents (section 2). |
//! | `plan/` | Turns a document into an operation that can run (sections 5 and 6). |
//! | `http/` | GraphQL over HTTP. |
//! | `graphiql/` | The page for trying it out. |

mod documents;
mod error;
mod execute;
mod graphiql;
mod http;
mod limits;
mod plan;
mod routes;
mod schema;

pub use self::{
    documents::{Documents, TrustMode, Trusted},
    http::{PREFLIGHT_HEADERS, error_response},
    limits::{Limits, MAX_NESTING},
    routes::{Playground, routes},
    schema::{Schema, schema, sdl},
};
