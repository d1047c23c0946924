//! A cache of verified tokens: looking one up costs a hash instead of a signature.

use std::{
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

use super::{CurrentUser, keys::key_set::Key};

/// Maximum number of tokens. The least used ones are evicted.
const CAPACITY: usize = 10_000;
/// Maximum time for which a token is cached.
const MAX_AGE: Duration = Duration::from_hours(1);

/// Verified tokens by digest. The tokens themselves are not stored.
pub(super) struct TokenCache {
    entries: Cache<Digest, Cached>,
}

#[derive(Clone)]
struct Cached {
    entry: Arc<Entry>,
    /// When the token expires or must be verified again.
    until: SystemTime,
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

/// A verified token. Shared by its requests: a clone would write to the reference count of the key, which all tokens share.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) user: CurrentUser,
    pub(super) expires: SystemTime,
    /// Weak: when an issuer withdraws a key, the tokens that it verified become invalid.
    pub(super) key: Weak<Key>,
}

impl Entry {
    /// Whether the key that signed the token is still accepted.
    pub(super) fn has_key(&self) -> bool {
        self.key.strong_count() > 0
    }
}

impl TokenCache {
    pub(super) fn new() -> Self {
        Self { entries: Cache::new(CAPACITY) }
    }

    /// Returns a cached token if it and its key are still valid.
    pub(super) fn get(&self, token: &Digest) -> Option<Arc<Entry>> {
        let Cached { entry, until } = self.entries.get(token)?;
        if until > SystemTime::now() && entry.has_key() {
            return Some(entry);
        }
        self.entries.remove(token);
        None
    }

    pub(super) fn insert(&self, token: Digest, entry: &Arc<Entry>) {
        let now = SystemTime::now();
        let until = entry.expires.min(now + MAX_AGE);
        // A token that is accepted only because of leeway isn't cached.
        if until > now {
            self.entries.insert(token, Cached { entry: Arc::clone(entry), until });
        }
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCache").field("entries", &self.entries.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::keys::key_set::KeySet;

    fn key() -> Arc<Key> {
        KeySet::of_secrets(&["secret".into()]).first()
    }

    fn entry(expires: SystemTime, key: &Arc<Key>) -> Arc<Entry> {
        Arc::new(Entry { user: CurrentUser { id: "ann".into() }, expires, key: Arc::downgrade(key) })
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
        assert_eq!(cache.entries.len(), 0);
    }

    #[test]
    fn a_token_is_cached_until_it_expires_but_not_for_longer_than_an_hour() {
        let (cache, key) = (TokenCache::new(), key());
        for (valid, cached) in [(MAX_AGE / 2, MAX_AGE / 2), (MAX_AGE * 2, MAX_AGE)] {
            let (now, token) = (SystemTime::now(), Digest::of("token"));
            cache.insert(token, &entry(now + valid, &key));
            let until = cache.entries.get(&token).unwrap().until;
            assert!(until >= now + cached && until <= SystemTime::now() + cached, "{valid:?}");
        }
    }

    #[test]
    fn a_token_that_expires_in_the_cache_is_no_longer_found() {
        let (cache, key, token) = (TokenCache::new(), key(), Digest::of("token"));
        let until = SystemTime::now();
        cache.entries.insert(token, Cached { entry: entry(until, &key), until });
        assert!(cache.get(&token).is_none());
        assert_eq!(cache.entries.len(), 0);
    }

    #[test]
    fn the_cache_hardly_exceeds_its_capacity() {
        let (cache, key) = (TokenCache::new(), key());
        for number in 0..CAPACITY + 2000 {
            cache.insert(Digest::of(&number.to_string()), &entry(SystemTime::now() + MAX_AGE, &key));
        }
        // Each shard has a share of the capacity, rounded up.
        let entries = cache.entries.len();
        assert!(entries <= CAPACITY + cache.entries.num_shards(), "{entries}");
    }
}
