//! A verified token over time: for whoever is served for longer than one request.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{CurrentUser, cache::Entry};

/// A verified token, and how long it is accepted.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its key is gone when the issuer withdraws it.
    entry: Arc<Entry>,
    /// When a request with the token would be refused.
    until: SystemTime,
}

impl Session {
    pub(super) fn new(entry: Arc<Entry>, leeway: Duration) -> Self {
        let until = entry.expires + leeway;
        Self { entry, until }
    }

    /// The token's user.
    #[must_use]
    pub fn user(&self) -> &CurrentUser {
        &self.entry.user
    }

    /// How much longer the token is accepted, if its key stays valid; `None` once a request with it would be refused.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let remaining = self.until.duration_since(SystemTime::now()).ok();
        remaining.filter(|remaining| !remaining.is_zero() && self.entry.has_key())
    }
}
