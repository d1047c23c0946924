//! A verified token over time: for whoever is served for longer than one request.

use std::{
    sync::Weak,
    time::{Duration, SystemTime},
};

use super::{CurrentUser, key_set::Key};

/// A verified token, and how long it is accepted.
#[derive(Clone, Debug)]
pub struct Session {
    user: CurrentUser,
    /// When a request with the token would be refused.
    until: SystemTime,
    /// Dropped when the issuer withdraws the key.
    key: Weak<Key>,
}

impl Session {
    pub(super) fn new(user: CurrentUser, until: SystemTime, key: Weak<Key>) -> Self {
        Self { user, until, key }
    }

    /// The token's user.
    #[must_use]
    pub fn user(&self) -> &CurrentUser {
        &self.user
    }

    /// How much longer the token is accepted, if its key stays valid; `None` once a request with it would be refused.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let remaining = self.until.duration_since(SystemTime::now()).ok();
        remaining.filter(|remaining| !remaining.is_zero() && self.key.strong_count() > 0)
    }
}
