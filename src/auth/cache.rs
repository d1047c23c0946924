//! Tokens that were verified lately, so that a token that comes again costs a hash and not a signature.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use moka::{Expiry, sync::Cache};

use super::{CurrentUser, key_set::Key};

/// The most tokens that are remembered; the least used are forgotten first.
const CAPACITY: u64 = 10_000;
/// The longest a token is remembered, however long it is good for.
const MAX_AGE: Duration = Duration::from_hours(1);

/// Remembers verified tokens by their digest: the tokens themselves are not kept.
pub(super) struct TokenCache {
    entries: Cache<Digest, Entry>,
}

/// What stands for a token here. Only this module makes one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

#[derive(Clone)]
struct Entry {
    user: CurrentUser,
    expires: SystemTime,
    /// Ends with the key: when an issuer removes a key, nothing it verified is remembered any longer.
    key: Weak<Key>,
}

impl Entry {
    fn is_good(&self) -> bool {
        self.expires > SystemTime::now() && self.key.strong_count() > 0
    }
}

struct UntilExpiry;

impl Expiry<Digest, Entry> for UntilExpiry {
    fn expire_after_create(&self, _: &Digest, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.expires.duration_since(SystemTime::now()).unwrap_or_default().min(MAX_AGE))
    }
}

impl TokenCache {
    pub(super) fn new() -> Self {
        Self { entries: Cache::builder().max_capacity(CAPACITY).expire_after(UntilExpiry).build() }
    }

    /// The user of a token that was verified, if it and its key are still good.
    pub(super) fn get(&self, token: &Digest) -> Option<CurrentUser> {
        let entry = self.entries.get(token)?;
        if entry.is_good() {
            return Some(entry.user);
        }
        self.entries.invalidate(token);
        None
    }

    pub(super) fn insert(&self, token: Digest, user: &CurrentUser, expires: SystemTime, key: &Arc<Key>) {
        let entry = Entry { user: user.clone(), expires, key: Arc::downgrade(key) };
        // A token in its last seconds of leeway is good, but not to be remembered.
        if entry.is_good() {
            self.entries.insert(token, entry);
        }
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCache").field("entries", &self.entries.entry_count()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::key_set::KeySet;

    fn key() -> Arc<Key> {
        KeySet::of_secrets(&["secret".into()]).first()
    }

    fn ann() -> CurrentUser {
        CurrentUser { id: "ann".into() }
    }

    #[test]
    fn an_entry_does_not_outlive_its_key() {
        let (cache, key, token) = (TokenCache::new(), key(), Digest::of("token"));
        cache.insert(token, &ann(), SystemTime::now() + MAX_AGE, &key);
        assert_eq!(cache.get(&token), Some(ann()));
        assert_eq!(cache.get(&Digest::of("another")), None);
        drop(key);
        assert_eq!(cache.get(&token), None);
    }

    #[test]
    fn a_token_past_its_expiry_is_not_remembered_even_if_leeway_lets_it_in() {
        let (cache, key, token) = (TokenCache::new(), key(), Digest::of("token"));
        cache.insert(token, &ann(), SystemTime::now() - Duration::from_secs(1), &key);
        assert_eq!(cache.get(&token), None);
        let entry = Entry { user: ann(), expires: SystemTime::now(), key: Arc::downgrade(&key) };
        assert!(!entry.is_good(), "the clock decides, not when moka gets round to it");
    }

    #[test]
    fn there_are_never_many_more_entries_than_its_capacity() {
        let (cache, key) = (TokenCache::new(), key());
        for number in 0..CAPACITY + 2000 {
            cache.insert(Digest::of(&number.to_string()), &ann(), SystemTime::now() + MAX_AGE, &key);
        }
        cache.entries.run_pending_tasks();
        assert!(cache.entries.entry_count() <= CAPACITY);
    }
}
