//! Recently verified tokens, so that a repeated token costs a hash instead of a signature.

use std::{
    sync::Weak,
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use moka::{Expiry, sync::Cache};

use super::{CurrentUser, key_set::Key};

/// Maximum number of tokens; the least used ones are evicted first.
const CAPACITY: u64 = 10_000;
/// How long a token is cached at most, however long it is valid.
const MAX_AGE: Duration = Duration::from_hours(1);

/// Verified tokens by their digest. The tokens themselves are not stored.
pub(super) struct TokenCache {
    entries: Cache<Digest, Entry>,
}

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// What is known of a verified token.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) user: CurrentUser,
    pub(super) expires: SystemTime,
    /// Dropped with the key: when an issuer removes a key, the entries it verified become invalid.
    pub(super) key: Weak<Key>,
}

impl Entry {
    fn is_valid(&self) -> bool {
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

    /// A cached token, if it and its key are still valid.
    pub(super) fn get(&self, token: &Digest) -> Option<Entry> {
        let entry = self.entries.get(token)?;
        if entry.is_valid() {
            return Some(entry);
        }
        self.entries.invalidate(token);
        None
    }

    pub(super) fn insert(&self, token: Digest, entry: &Entry) {
        // A token that only leeway accepts is not cached.
        if entry.is_valid() {
            self.entries.insert(token, entry.clone());
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
    use std::sync::Arc;

    use super::*;
    use crate::auth::key_set::KeySet;

    fn key() -> Arc<Key> {
        KeySet::of_secrets(&["secret".into()]).first()
    }

    /// Ann's, until then.
    fn entry(expires: SystemTime, key: &Arc<Key>) -> Entry {
        Entry { user: CurrentUser { id: "ann".into() }, expires, key: Arc::downgrade(key) }
    }

    #[test]
    fn an_entry_does_not_outlive_its_key() {
        let (cache, key, token) = (TokenCache::new(), key(), Digest::of("token"));
        cache.insert(token, &entry(SystemTime::now() + MAX_AGE, &key));
        assert_eq!(cache.get(&token).unwrap().user.id(), "ann");
        assert!(cache.get(&Digest::of("another")).is_none());
        drop(key);
        assert!(cache.get(&token).is_none());
    }

    #[test]
    fn a_token_past_its_expiry_is_not_cached_even_if_leeway_accepts_it() {
        let (cache, key, token) = (TokenCache::new(), key(), Digest::of("token"));
        cache.insert(token, &entry(SystemTime::now() - Duration::from_secs(1), &key));
        assert!(cache.get(&token).is_none());
        assert!(!entry(SystemTime::now(), &key).is_valid(), "the clock decides, not moka's next eviction");
    }

    #[test]
    fn there_are_never_many_more_entries_than_its_capacity() {
        let (cache, key) = (TokenCache::new(), key());
        for number in 0..CAPACITY + 2000 {
            cache.insert(Digest::of(&number.to_string()), &entry(SystemTime::now() + MAX_AGE, &key));
        }
        cache.entries.run_pending_tasks();
        assert!(cache.entries.entry_count() <= CAPACITY);
    }
}
