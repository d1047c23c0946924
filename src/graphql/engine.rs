//! What all requests share.

use std::sync::Arc;

use super::{
    documents::{DocumentCache, DocumentPolicy, PersistedDocuments},
    limits::Limits,
    plan::Definitions,
    schema::{Executor, executor},
};
use crate::{http::rate_limiting::RateLimits, live::Hub};

/// Executes operations.
pub struct Engine {
    pub(super) executor: Executor,
    pub(super) definitions: Definitions,
    pub(super) persisted: PersistedDocuments,
    pub(super) documents: DocumentCache,
    pub(super) limits: Limits,
    pub(super) rate_limits: RateLimits,
    pub(super) live: Hub,
}

impl Engine {
    /// Charges users to these rate limits, and takes the events of subscriptions from this hub.
    #[must_use]
    pub fn new(limits: &Limits, documents: DocumentPolicy, rate_limits: RateLimits, live: Hub) -> Arc<Self> {
        let executor = executor();
        Arc::new(Self {
            definitions: Definitions::new(&executor.sdl()),
            executor,
            persisted: PersistedDocuments::new(documents),
            documents: DocumentCache::default(),
            limits: limits.clone(),
            rate_limits,
            live,
        })
    }
}
