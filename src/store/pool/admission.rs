//! Who may use a connection next. bb8 lets newcomers overtake whoever waits; here it is first come, first served, no user
//! gets more than a share of the connections, and no request more than a part of that share. Writes of one user have to
//! wait for each other anyway, and do it here: in the database, each would hold a connection meanwhile.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::store::transaction::access::Access;

/// Admits transactions to the connections of a pool.
pub(in crate::store) struct Admission {
    connections: Semaphore,
    /// How many of them one user gets at most.
    share: usize,
    /// The shares that are in use.
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

impl Admission {
    /// For a pool with this many connections, of which each user gets at most `share` at once.
    pub(in crate::store) fn new(connections: u32, share: u32) -> Self {
        let connections = Semaphore::new(connections as usize);
        Self { connections, share: share as usize, of_users: Mutex::default() }
    }

    /// The turns of one request, whose transactions may run side by side: half of its user's share, so that the user's
    /// other requests get on. Waiting for a turn takes only the request's own time.
    pub(in crate::store) fn turns(&self) -> Semaphore {
        Semaphore::new(self.share.div_ceil(2))
    }

    fn place(&self, user: &Arc<str>) -> Place {
        let mut of_users = self.lock();
        let in_use = of_users.entry(Arc::clone(user)).or_insert_with(|| {
            let share = Share { transactions: Semaphore::new(self.share), writes: Semaphore::new(1) };
            InUse { share: Arc::new(share), count: 0 }
        });
        in_use.count += 1;
        Place { share: Arc::clone(&in_use.share), user: Arc::clone(user), is_writing: false, is_admitted: false }
    }

    /// The last one out forgets the user, so that the map is no larger than what runs and waits.
    fn leave(&self, place: &Place) {
        place.share.transactions.add_permits(place.is_admitted.into());
        place.share.writes.add_permits(place.is_writing.into());
        let mut of_users = self.lock();
        let Some(in_use) = of_users.get_mut(&place.user) else { return };
        in_use.count -= 1;
        if in_use.count == 0 {
            of_users.remove(&place.user);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, InUse>> {
        self.of_users.lock()
    }
}

/// The right to use one connection, until it is dropped. It keeps `A`, which has the admission: so it needs no count of
/// references that all transactions share.
pub(in crate::store) struct Admitted<A: AsRef<Admission>> {
    to: A,
    has_connection: bool,
    place: Option<Place>,
}

/// A user's transaction that runs or waits.
struct Place {
    share: Arc<Share>,
    user: Arc<str>,
    is_writing: bool,
    is_admitted: bool,
}

impl<A: AsRef<Admission>> Admitted<A> {
    /// Waits until a user's transaction may have a connection.
    pub(in crate::store) async fn of_user(to: A, user: &Arc<str>, access: Access) -> Self {
        let place = to.as_ref().place(user);
        // It leaves if it is dropped while it waits.
        let mut admitted = Self { to, has_connection: false, place: Some(place) };
        if let Some(place) = &mut admitted.place {
            if access == Access::ReadWrite {
                place.is_writing = take(&place.share.writes).await;
            }
            place.is_admitted = take(&place.share.transactions).await;
        }
        admitted.has_connection = take(&admitted.to.as_ref().connections).await;
        admitted
    }

    /// Waits until work for no user may have a connection.
    pub(in crate::store) async fn of_server(to: A) -> Self {
        let has_connection = take(&to.as_ref().connections).await;
        Self { to, has_connection, place: None }
    }
}

impl<A: AsRef<Admission>> Drop for Admitted<A> {
    fn drop(&mut self) {
        let admission = self.to.as_ref();
        admission.connections.add_permits(self.has_connection.into());
        if let Some(place) = &self.place {
            admission.leave(place);
        }
    }
}

/// Takes a permit out, to be added again. Fails only if the semaphore were closed, which none is.
async fn take(semaphore: &Semaphore) -> bool {
    semaphore.acquire().await.map(SemaphorePermit::forget).is_ok()
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

    type Admitted<'a> = super::Admitted<&'a Admission>;

    impl AsRef<Admission> for Admission {
        fn as_ref(&self) -> &Self {
            self
        }
    }

    #[tokio::test]
    async fn a_user_waits_for_their_share_and_others_do_not() {
        let admission = Admission::new(8, 2);
        let first = Admitted::of_user(&admission, &ann(), ReadOnly).await;
        let _second = Admitted::of_user(&admission, &ann(), ReadOnly).await;
        let (user, bob) = (ann(), "bob".into());
        let mut third = Box::pin(Admitted::of_user(&admission, &user, ReadOnly));
        assert!((&mut third).now_or_never().is_none());
        assert!(Admitted::of_user(&admission, &bob, ReadOnly).now_or_never().is_some());
        drop(first);
        assert!((&mut third).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_users_writes_wait_for_each_other_and_hold_up_neither_reads_nor_others() {
        let admission = Admission::new(8, 2);
        let first = Admitted::of_user(&admission, &ann(), ReadWrite).await;
        let (user, bob) = (ann(), "bob".into());
        let mut second = Box::pin(Admitted::of_user(&admission, &user, ReadWrite));
        assert!((&mut second).now_or_never().is_none());
        assert!(Admitted::of_user(&admission, &ann(), ReadOnly).now_or_never().is_some());
        assert!(Admitted::of_user(&admission, &bob, ReadWrite).now_or_never().is_some());
        drop(first);
        assert!((&mut second).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_newcomer_does_not_overtake_who_waits() {
        let admission = Admission::new(1, 2);
        let held = Admitted::of_user(&admission, &ann(), ReadOnly).await;
        let mut waiting = Box::pin(Admitted::of_server(&admission));
        assert!((&mut waiting).now_or_never().is_none());
        drop(held);
        assert!(Admitted::of_server(&admission).now_or_never().is_none());
        assert!((&mut waiting).now_or_never().is_some());
        assert!(Admitted::of_server(&admission).now_or_never().is_some());
    }

    #[tokio::test]
    async fn users_are_forgotten_when_nothing_of_theirs_runs_or_waits() {
        let admission = Admission::new(1, 1);
        let user = ann();
        let held = Admitted::of_user(&admission, &user, ReadOnly).await;
        let waiting = [
            Admitted::of_user(&admission, &user, ReadOnly).now_or_never(),
            Admitted::of_user(&admission, &user, ReadOnly).now_or_never(),
        ];
        assert!(waiting.iter().all(Option::is_none));
        assert_eq!(admission.lock().len(), 1);
        drop(held);
        assert!(admission.lock().is_empty());
    }
}
