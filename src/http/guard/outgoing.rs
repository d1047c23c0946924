//! The bytes of responses that clients have not taken yet, and of large bodies: no client must fill the memory.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::error::{Code, Error, Result};
use parking_lot::{Mutex, MutexGuard};

/// Counts bytes, in all and for each user. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outgoing(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    max: usize,
    max_per_user: usize,
    total: AtomicUsize,
    users: Mutex<HashMap<Arc<str>, usize>>,
}

impl Outgoing {
    /// With these bounds, in bytes.
    #[must_use]
    pub fn new(max: usize, max_per_user: usize) -> Self {
        Self(Arc::new(Counts { max, max_per_user, total: AtomicUsize::new(0), users: Mutex::default() }))
    }

    /// Fails if these bytes would be more than there may be.
    pub(crate) fn check(&self, user: Option<&str>, bytes: usize) -> Result<()> {
        let counts = &self.0;
        if counts.total.load(Ordering::Relaxed) + bytes > counts.max {
            return Err(Error::new(
                Code::ServiceUnavailable,
                "Too many bytes are in flight (RESPONSE_MEMORY), try again later",
            ));
        }
        let of_user = user.and_then(|user| counts.users().get(user).copied()).unwrap_or(0);
        if of_user != 0 && of_user + bytes > counts.max_per_user {
            return Err(Error::new(
                Code::ServiceUnavailable,
                "Read the responses to your other requests first (RESPONSE_MEMORY_PER_USER)",
            ));
        }
        Ok(())
    }

    /// Counts these bytes until what is returned is dropped.
    pub(crate) fn hold(&self, user: Option<Arc<str>>, bytes: usize) -> Held {
        self.0.total.fetch_add(bytes, Ordering::Relaxed);
        if let Some(user) = &user {
            *self.0.users().entry(Arc::clone(user)).or_default() += bytes;
        }
        Held { counts: Arc::clone(&self.0), user, bytes }
    }
}

impl Counts {
    fn users(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.users.lock()
    }
}

/// Bytes that are counted.
#[derive(Debug)]
pub(crate) struct Held {
    counts: Arc<Counts>,
    user: Option<Arc<str>>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.counts.total.fetch_sub(self.bytes, Ordering::Relaxed);
        let Some(user) = &self.user else { return };
        let mut users = self.counts.users();
        if let Some(bytes) = users.get_mut(user) {
            *bytes -= self.bytes;
            if *bytes == 0 {
                users.remove(user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_share_of_what_there_is_for_all() {
        let outgoing = Outgoing::new(100, 50);
        let held = outgoing.hold(Some("ann".into()), 40);
        assert!(outgoing.check(Some("ann"), 10).is_ok());
        assert!(outgoing.check(Some("ann"), 11).is_err());
        assert!(outgoing.check(Some("bob"), 60).is_ok(), "one response may be larger than the share");
        assert!(outgoing.check(Some("bob"), 61).is_err());
        drop(held);
        assert!(outgoing.check(Some("ann"), 100).is_ok());
        assert!(outgoing.0.users().is_empty());
    }
}
