//! How many tasks a user may have, without counting them at each creation.
//!
//! A creation takes from what its user was granted at the last look. When that is used up, the next creation looks: its
//! transaction begins with a statement that counts what changed since the last look, and only if that could be too much, all
//! of the user's tasks. It counts behind the user's lock, so nothing slips in between.
//!
//! Each server grants by itself, without knowing of the others: a [`SHARES`]th of the quota at most, and perhaps as much is on
//! its way to the database meanwhile. So twenty servers exceed the quota by no more than one percent.

use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::sync::Cache;

/// The most users that are remembered. Whoever is forgotten is looked at again.
const CAPACITY: usize = 50_000;
/// The part of a quota that may be created between two looks.
const SHARES: i64 = 4000;

/// What is known of users' tasks.
pub(in crate::store) struct Quota {
    max: u32,
    users: Cache<Arc<str>, Arc<Mutex<Known>>>,
}

/// One user's tasks, when they were looked at last.
struct Known {
    count: Count,
    /// How many more tasks may be created before the next look.
    granted: i64,
}

/// No fewer tasks than a user had before the change at a position.
#[derive(Clone, Copy)]
pub(in crate::store) struct Count {
    pub(in crate::store) tasks: i64,
    pub(in crate::store) position: i64,
}

/// What a creation has to look at.
#[derive(Clone, Copy)]
pub(in crate::store) struct Look {
    /// The most tasks that the user may have before it.
    pub(in crate::store) most: i64,
    /// The last look, if it is known.
    pub(in crate::store) last: Option<Count>,
}

impl Quota {
    /// Of this many tasks; 0 for any number.
    pub(super) fn new(max: u32) -> Self {
        Self { max, users: Cache::new(CAPACITY) }
    }

    /// The most tasks that a user may have.
    pub(in crate::store) fn max(&self) -> u32 {
        self.max
    }

    /// How many more tasks a user may have.
    pub(in crate::store) fn room(&self, tasks: i64) -> usize {
        usize::try_from(i64::from(self.max) - tasks).unwrap_or_default()
    }

    /// Takes creations from what the user was granted; `Some` if they need a look.
    pub(in crate::store) fn take(&self, user: &Arc<str>, creations: usize) -> Option<Look> {
        if creations == 0 || self.max == 0 {
            return None;
        }
        let creations = i64::from(u32::try_from(creations).unwrap_or(u32::MAX));
        let most = i64::from(self.max) - creations;
        let Some(known) = self.users.get(user) else { return Some(Look { most, last: None }) };
        let mut known = known.lock();
        if known.granted < creations {
            return Some(Look { most, last: Some(known.count) });
        }
        known.granted -= creations;
        None
    }

    /// A creation looked, and was done.
    pub(in crate::store) fn looked(&self, user: &Arc<str>, look: &Look, count: Count) {
        let granted = (look.most - count.tasks).clamp(0, i64::from(self.max) / SHARES);
        match self.users.get(user) {
            None => self.users.insert(Arc::clone(user), Arc::new(Mutex::new(Known { count, granted }))),
            Some(known) if known.lock().count.position < count.position => *known.lock() = Known { count, granted },
            // A later look was faster, or an older backup was restored.
            Some(_) => {
                self.users.remove(user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota() -> (Quota, Arc<str>) {
        (Quota::new(100_000), "ann".into())
    }

    fn look(quota: &Quota, user: &Arc<str>, creations: usize) -> Look {
        quota.take(user, creations).expect("a look")
    }

    #[test]
    fn a_user_is_looked_at_once_and_then_again_when_the_share_is_used_up() {
        let (quota, ann) = quota();
        let first = look(&quota, &ann, 1);
        assert!(first.last.is_none());
        quota.looked(&ann, &first, Count { tasks: 7, position: 1 });
        assert!((0..25).all(|_| quota.take(&ann, 1).is_none()));
        let second = look(&quota, &ann, 1);
        assert_eq!(second.last.map(|count| (count.tasks, count.position)), Some((7, 1)));
        assert!(quota.take(&"bob".into(), 1).is_some(), "others are others");
    }

    #[test]
    fn no_more_is_granted_than_there_is_room() {
        let (quota, ann) = quota();
        let first = look(&quota, &ann, 1);
        quota.looked(&ann, &first, Count { tasks: 99_997, position: 1 });
        assert!(quota.take(&ann, 2).is_none() && quota.take(&ann, 1).is_some());
    }

    #[test]
    fn many_servers_together_stay_within_a_percent() {
        let (quota, ann) = quota();
        let first = look(&quota, &ann, 1);
        quota.looked(&ann, &first, Count { tasks: 0, position: 1 });
        let granted = std::iter::from_fn(|| quota.take(&ann, 1).is_none().then_some(())).count();
        assert!(granted * 2 * 20 <= 1000, "{granted}");
    }

    #[test]
    fn looks_that_overtook_each_other_are_forgotten() {
        let (quota, ann) = quota();
        let looks = [look(&quota, &ann, 1), look(&quota, &ann, 1)];
        quota.looked(&ann, &looks[1], Count { tasks: 6, position: 2 });
        quota.looked(&ann, &looks[0], Count { tasks: 5, position: 1 });
        assert!(look(&quota, &ann, 1).last.is_none());
    }

    #[test]
    fn without_a_quota_nobody_looks() {
        let quota = Quota::new(0);
        assert!(quota.take(&"ann".into(), 1_000_000).is_none());
    }
}
