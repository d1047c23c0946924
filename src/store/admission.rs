//! Who may use a connection next. bb8 lets newcomers overtake whoever waits; here it is first come, first served, no user
//! gets more than a share of the connections, and no request more than a part of that share. Writes of one user have to
//! wait for each other anyway, and do it here: in the database, each would hold a connection meanwhile.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::access::Access;

/// Admits transactions to the connections of a pool.
pub(super) struct Admission {
    connections: Arc<Semaphore>,
    shares: Arc<Shares>,
}

impl Admission {
    /// For a pool with this many connections, of which each user gets at most `share` at once.
    pub(super) fn new(connections: u32, share: u32) -> Self {
        let connections = Arc::new(Semaphore::new(connections as usize));
        Self { connections, shares: Arc::new(Shares { size: share as usize, of_users: Mutex::default() }) }
    }

    /// Waits until a user's transaction may have a connection.
    pub(super) async fn of_user(&self, user: &Arc<str>, access: Access) -> Admitted {
        let mut place = self.shares.of(user);
        if access == Access::ReadWrite {
            place.is_writing = take(&place.share.writes).await;
        }
        place.is_admitted = take(&place.share.transactions).await;
        Admitted { _connection: acquire(&self.connections).await, _place: Some(place) }
    }

    /// Waits until work for no user may have a connection.
    pub(super) async fn of_server(&self) -> Admitted {
        Admitted { _connection: acquire(&self.connections).await, _place: None }
    }

    /// The turns of one request, whose transactions may run side by side: half of its user's share, so that the user's
    /// other requests get on. Waiting for a turn takes only the request's own time.
    pub(super) fn turns(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.shares.size.div_ceil(2)))
    }
}

/// The right to use one connection, until it is dropped.
pub(super) struct Admitted {
    _connection: Option<OwnedSemaphorePermit>,
    _place: Option<Place>,
}

/// The shares that are in use, by user.
struct Shares {
    size: usize,
    of_users: Mutex<HashMap<Arc<str>, InUse>>,
}

struct InUse {
    share: Arc<Share>,
    /// How many transactions run or wait.
    count: usize,
}

/// What of the connections is one user's.
struct Share {
    transactions: Semaphore,
    /// One at a time.
    writes: Semaphore,
}

impl Shares {
    fn of(self: &Arc<Self>, user: &Arc<str>) -> Place {
        let mut of_users = self.lock();
        let in_use = of_users.entry(Arc::clone(user)).or_insert_with(|| {
            let share = Share { transactions: Semaphore::new(self.size), writes: Semaphore::new(1) };
            InUse { share: Arc::new(share), count: 0 }
        });
        in_use.count += 1;
        let (share, user, shares) = (Arc::clone(&in_use.share), Arc::clone(user), Arc::clone(self));
        Place { is_writing: false, is_admitted: false, share, user, shares }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, InUse>> {
        self.of_users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a user's share, or in the queue for one.
struct Place {
    is_writing: bool,
    is_admitted: bool,
    share: Arc<Share>,
    user: Arc<str>,
    shares: Arc<Shares>,
}

impl Drop for Place {
    /// The last one out forgets the user, so that the map is no larger than what runs and waits.
    fn drop(&mut self) {
        self.share.transactions.add_permits(self.is_admitted.into());
        self.share.writes.add_permits(self.is_writing.into());
        let mut of_users = self.shares.lock();
        let Some(in_use) = of_users.get_mut(&self.user) else { return };
        in_use.count -= 1;
        if in_use.count == 0 {
            of_users.remove(&self.user);
        }
    }
}

/// Takes a permit out, to be added again. Fails only if the semaphore were closed, which none is.
async fn take(semaphore: &Semaphore) -> bool {
    semaphore.acquire().await.map(SemaphorePermit::forget).is_ok()
}

/// `None` only if the semaphore were closed, which none is.
async fn acquire(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(semaphore).acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::{
        Access::{ReadOnly, ReadWrite},
        *,
    };

    fn ann() -> Arc<str> {
        "ann".into()
    }

    #[tokio::test]
    async fn a_user_waits_for_their_share_and_others_do_not() {
        let admission = Admission::new(8, 2);
        let first = admission.of_user(&ann(), ReadOnly).await;
        let _second = admission.of_user(&ann(), ReadOnly).await;
        let (user, bob) = (ann(), "bob".into());
        let mut third = Box::pin(admission.of_user(&user, ReadOnly));
        assert!((&mut third).now_or_never().is_none());
        assert!(admission.of_user(&bob, ReadOnly).now_or_never().is_some());
        drop(first);
        assert!((&mut third).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_users_writes_wait_for_each_other_and_hold_up_neither_reads_nor_others() {
        let admission = Admission::new(8, 2);
        let first = admission.of_user(&ann(), ReadWrite).await;
        let (user, bob) = (ann(), "bob".into());
        let mut second = Box::pin(admission.of_user(&user, ReadWrite));
        assert!((&mut second).now_or_never().is_none());
        assert!(admission.of_user(&ann(), ReadOnly).now_or_never().is_some());
        assert!(admission.of_user(&bob, ReadWrite).now_or_never().is_some());
        drop(first);
        assert!((&mut second).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_newcomer_does_not_overtake_who_waits() {
        let admission = Admission::new(1, 2);
        let held = admission.of_user(&ann(), ReadOnly).await;
        let mut waiting = Box::pin(admission.of_server());
        assert!((&mut waiting).now_or_never().is_none());
        drop(held);
        assert!(admission.of_server().now_or_never().is_none());
        assert!((&mut waiting).now_or_never().is_some());
        assert!(admission.of_server().now_or_never().is_some());
    }

    #[tokio::test]
    async fn users_are_forgotten_when_nothing_of_theirs_runs_or_waits() {
        let admission = Admission::new(1, 1);
        let user = ann();
        let held = admission.of_user(&user, ReadOnly).await;
        let waiting =
            [admission.of_user(&user, ReadOnly).now_or_never(), admission.of_user(&user, ReadOnly).now_or_never()];
        assert!(waiting.iter().all(Option::is_none));
        assert_eq!(admission.shares.lock().len(), 1);
        drop(held);
        assert!(admission.shares.lock().is_empty());
    }
}
