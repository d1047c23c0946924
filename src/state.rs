//! What handlers share.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::{auth::Verifier, graphql::Schema, health::Readiness, store::Db};

/// Everything a handler can ask for. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The database.
    pub db: Db,
    /// Who is calling.
    pub verifier: Verifier,
    /// The GraphQL schema.
    pub schema: Schema,
    /// Whether this server can serve.
    pub readiness: Readiness,
    /// The playground, if it is served.
    pub playground: Playground,
}

/// The GraphiQL page: whether it is served, and with which token in its headers.
#[derive(Clone, Debug, Default)]
pub struct Playground {
    /// Whether it is served at all.
    pub is_on: bool,
    /// A token for whoever opens the page on this machine; only in development.
    pub token: Option<Arc<str>>,
}
