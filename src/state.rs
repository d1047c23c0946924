//! What handlers share.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::{
    auth::Verifier,
    graphql::{Engine, Playground},
    http::{guard::Outgoing, health::Readiness, rate_limiting::RateLimits, streams::Streams},
    live::Hub,
    store::Db,
};

/// What routes have for a state. axum clones that several times a request, and all cores write to a count of references:
/// there is to be one of them, not one for each part.
pub(crate) type SharedState = Arc<AppState>;

/// Everything a handler can ask for.
pub struct AppState {
    /// The database.
    pub db: Db,
    /// Wakes the streams of changes.
    pub live: Hub,
    /// Verifies bearer tokens.
    pub verifier: Verifier,
    /// How much users and addresses may ask for.
    pub rate_limits: RateLimits,
    /// The bytes of responses that clients have not taken.
    pub outgoing: Outgoing,
    /// Executes GraphQL operations.
    pub graphql: Arc<Engine>,
    /// What stays open: WebSockets and event streams.
    pub streams: Streams,
    /// Whether this server can serve.
    pub readiness: Readiness,
    /// The GraphiQL page.
    pub playground: Playground,
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
}
