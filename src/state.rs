//! What handlers share.

use axum::extract::FromRef;

use crate::{
    auth::Verifier,
    graphql::{Playground, Schema},
    health::Readiness,
    live::Hub,
    rate_limit::RateLimits,
    store::Db,
    streams::Streams,
};

/// Everything a handler can ask for. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The database.
    pub db: Db,
    /// Wakes the streams of changes.
    pub live: Hub,
    /// Verifies bearer tokens.
    pub verifier: Verifier,
    /// How much users and addresses may ask for.
    pub rate_limits: RateLimits,
    /// The GraphQL schema.
    pub schema: Schema,
    /// What stays open: WebSockets and event streams.
    pub streams: Streams,
    /// Whether this server can serve.
    pub readiness: Readiness,
    /// The GraphiQL page.
    pub playground: Playground,
}
