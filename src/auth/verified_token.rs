//! A verified token, which also says for how long it is accepted: streams outlive the request that opened them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{CurrentUser, cache::Entry};

/// A verified token.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    entry: Arc<Entry>,
    /// Expiry plus leeway.
    until: SystemTime,
}

impl VerifiedToken {
    pub(super) fn new(entry: Arc<Entry>, leeway: Duration) -> Self {
        let until = entry.expires + leeway;
        Self { entry, until }
    }

    /// The token's user.
    #[must_use]
    pub fn user(&self) -> &CurrentUser {
        &self.entry.user
    }

    /// For how long requests with the token are still accepted; `None` once it has expired or its key was withdrawn.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let remaining = self.until.duration_since(SystemTime::now()).ok();
        remaining.filter(|remaining| !remaining.is_zero() && self.entry.has_key())
    }
}
