//! The state that handlers share.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::{
    auth::Verifier,
    graphql::{Engine, Playground},
    http::{
        guard::{Bodies, Outgoing},
        health::Readiness,
        rate_limiting::RateLimits,
        streams::Streams,
    },
    live::Hub,
    rest::settings::RestSettings,
    store::Db,
    web::settings::WebApp,
};

/// The state of routes. axum clones it several times per request, and all cores write to its reference count, so there is only
/// one.
pub(crate) type SharedState = Arc<AppState>;

/// Everything that handlers can extract.
pub struct AppState {
    /// The database.
    pub db: Db,
    /// Wakes the streams of changes.
    pub live: Hub,
    /// Verifies bearer tokens.
    pub verifier: Verifier,
    /// The rate limits.
    pub rate_limits: RateLimits,
    /// The bytes of responses that clients have not taken.
    pub outgoing: Outgoing,
    /// Reads bodies.
    pub bodies: Bodies,
    /// Executes GraphQL operations.
    pub graphql: Arc<Engine>,
    /// Open WebSockets and event streams.
    pub streams: Streams,
    /// Whether this server is ready.
    pub readiness: Readiness,
    /// The GraphiQL page.
    pub playground: Playground,
    /// The app.
    pub web_app: WebApp,
    /// What older frontends expect of REST.
    pub rest: RestSettings,
}

macro_rules! parts {
    ($($field:ident: $part:ty),+ $(,)?) => {
        $(impl FromRef<SharedState> for $part {
            fn from_ref(state: &SharedState) -> Self {
                state.$field.clone()
            }
        })+
    };
}

parts! {
    db: Db,
    rate_limits: RateLimits,
    readiness: Readiness,
    playground: Playground,
    web_app: WebApp,
    rest: RestSettings,
}
