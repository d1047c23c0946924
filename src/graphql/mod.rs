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
mod schema;

pub use self::{
    documents::{Documents, TrustMode, Trusted},
    graphiql::{asset as graphiql_asset, graphiql},
    http::{PREFLIGHT_HEADERS, error_response, get, options, post, wrong_method},
    limits::{Limits, MAX_NESTING},
    schema::{Schema, schema, sdl},
};
