//! What answers operations, for all requests.

use std::sync::Arc;

use super::{
    documents::{DocumentCache, Documents, PersistedQueries},
    limits::Limits,
    plan::Definitions,
    schema::{AsyncGraphql, executor},
};
use crate::{http::rate_limiting::RateLimits, live::Hub};

/// Everything that answers an operation. Cheap to clone.
#[derive(Clone)]
pub struct Schema(Arc<Parts>);

pub(super) struct Parts {
    /// Runs plans.
    pub(super) executor: AsyncGraphql,
    /// The types by name.
    pub(super) definitions: Definitions,
    /// Documents by the names they may be asked for with.
    pub(super) persisted: PersistedQueries,
    /// Documents that were compiled.
    pub(super) documents: DocumentCache,
    /// What one request may cost.
    pub(super) limits: Limits,
    /// What a user may spend on requests.
    pub(super) rate_limits: RateLimits,
    /// What wakes subscriptions.
    pub(super) live: Hub,
}

/// The schema, with the limits on what requests may cost, the documents that are run, and what wakes subscriptions.
#[must_use]
pub fn schema(limits: &Limits, documents: Documents, rate_limits: RateLimits, live: Hub) -> Schema {
    let executor = executor();
    Schema(Arc::new(Parts {
        definitions: Definitions::of(&executor.sdl()),
        executor,
        persisted: PersistedQueries::new(documents),
        documents: DocumentCache::default(),
        limits: limits.clone(),
        rate_limits,
        live,
    }))
}

impl Schema {
    pub(super) fn parts(&self) -> &Parts {
        &self.0
    }
}
