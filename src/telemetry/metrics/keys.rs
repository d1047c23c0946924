//! Key sets. Their handles aren't cached: there are few, and they are rarely fetched.

use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{counter, gauge};

pub(super) const FETCHES: &str = "tandem_jwks_fetches_total";
pub(super) const CHANGES: &str = "tandem_jwks_key_changes_total";
pub(super) const KEYS: &str = "tandem_jwks_keys";
pub(super) const FETCHED_AT: &str = "tandem_jwks_fetched_timestamp_seconds";

/// Counts a fetch of a key set.
pub(crate) fn jwks_fetched(url: &str, is_ok: bool) {
    let result = if is_ok { "ok" } else { "error" };
    counter!(FETCHES, "url" => url.to_owned(), "result" => result).increment(1);
    if is_ok {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge!(FETCHED_AT, "url" => url.to_owned()).set(now.as_secs_f64());
    }
}

/// Records the size of a key set, and the numbers of added and removed keys.
pub(crate) fn jwks_changed(url: &str, count: usize, added: usize, removed: usize) {
    let url = || url.to_owned();
    gauge!(KEYS, "url" => url()).set(u32::try_from(count).unwrap_or(u32::MAX));
    counter!(CHANGES, "url" => url(), "change" => "added").increment(added as u64);
    counter!(CHANGES, "url" => url(), "change" => "removed").increment(removed as u64);
}
