//! The GraphQL door: types and root fields in GraphQL's words, each one call to a resolver.

mod absent;
mod complete;
mod connection;
mod context;
mod documents;
mod error;
mod execute;
mod graphiql;
mod http;
mod input;
mod limits;
mod measure;
mod mutation;
mod object;
mod plain;
mod prepared;
mod query;
mod schema;
mod serve;
mod shape;
mod trusted;
mod types;
mod validator;
mod variables;

pub use self::{
    documents::Documents,
    graphiql::{asset as graphiql_asset, graphiql},
    http::PREFLIGHT_HEADERS,
    limits::{Limits, MAX_NESTING},
    schema::{Schema, schema, sdl},
    serve::{error_response, get, options, post, wrong_method},
    trusted::{TrustMode, Trusted},
};
