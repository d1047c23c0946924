//! Who may use a connection next. bb8 lets newcomers overtake whoever waits; here it is first come, first served, no user
//! gets more than a share of the connections, and no request more than half of that share. One user's writes queue here:
//! they wait for each other anyway, and in the database each would hold a connection meanwhile.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Access {
    ReadOnly,
    ReadWrite,
}

/// Admits transactions to the connections of a pool.
pub(super) struct Admission {
    connections: Arc<Semaphore>,
    /// How many of them one user gets at most.
    share: usize,
    /// Those with transactions that run or wait, and how many.
    users: Mutex<HashMap<Arc<str>, (UserQueues, usize)>>,
}

/// What one user's transactions wait for.
#[derive(Clone)]
struct UserQueues {
    transactions: Arc<Semaphore>,
    /// One at a time.
    writes: Arc<Semaphore>,
}

/// The right to use one connection, until it is dropped.
pub(super) struct Permit {
    // Released in this order: a user who is forgotten and comes back has a whole share.
    _permits: [Option<OwnedSemaphorePermit>; 3],
    _entry: Option<Entry>,
}

impl Admission {
    /// For a pool with this many connections, of which each user gets at most `share` at once.
    pub(super) fn new(connections: u32, share: u32) -> Self {
        let connections = Arc::new(Semaphore::new(connections as usize));
        Self { connections, share: share as usize, users: Mutex::default() }
    }

    /// For the transactions of one request, which may run side by side: half of its user's share, so that the user's other
    /// requests get on.
    pub(super) fn of_request(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.share.div_ceil(2)))
    }

    /// Waits until a user's transaction may have a connection.
    pub(super) async fn admit_user(self: &Arc<Self>, user: &Arc<str>, access: Access) -> Permit {
        let entry = Entry::new(self, user);
        let write = match access {
            Access::ReadWrite => acquire(&entry.queues.writes).await,
            Access::ReadOnly => None,
        };
        let transaction = acquire(&entry.queues.transactions).await;
        let connection = acquire(&self.connections).await;
        Permit { _permits: [connection, transaction, write], _entry: Some(entry) }
    }

    /// Waits until work for no user may have a connection.
    pub(super) async fn admit_server(&self) -> Permit {
        Permit { _permits: [acquire(&self.connections).await, None, None], _entry: None }
    }
}

/// `None` only if the semaphore were closed, which none is.
pub(super) async fn acquire(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(semaphore).acquire_owned().await.ok()
}

/// A transaction of a user that runs or waits. The last one forgets the user, so that no more of them are known than are
/// there.
struct Entry {
    admission: Arc<Admission>,
    user: Arc<str>,
    queues: UserQueues,
}

impl Entry {
    fn new(admission: &Arc<Admission>, user: &Arc<str>) -> Self {
        let mut users = admission.users.lock();
        let known = users.entry(Arc::clone(user)).or_insert_with(|| {
            let (transactions, writes) = (Semaphore::new(admission.share), Semaphore::new(1));
            (UserQueues { transactions: Arc::new(transactions), writes: Arc::new(writes) }, 0)
        });
        let (queues, entries) = known;
        *entries += 1;
        Self { admission: Arc::clone(admission), user: Arc::clone(user), queues: queues.clone() }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut users = self.admission.users.lock();
        let Some((_, entries)) = users.get_mut(&self.user) else { return };
        *entries -= 1;
        if *entries == 0 {
            users.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::{
        Access::{ReadOnly, ReadWrite},
        *,
    };

    fn admission(connections: u32, share: u32) -> (Arc<Admission>, Arc<str>, Arc<str>) {
        (Arc::new(Admission::new(connections, share)), "ann".into(), "bob".into())
    }

    #[tokio::test]
    async fn a_user_waits_for_their_share_and_others_do_not() {
        let (admission, ann, bob) = admission(8, 2);
        let first = admission.admit_user(&ann, ReadOnly).await;
        let _second = admission.admit_user(&ann, ReadOnly).await;
        let mut third = Box::pin(admission.admit_user(&ann, ReadOnly));
        assert!((&mut third).now_or_never().is_none());
        assert!(admission.admit_user(&bob, ReadOnly).now_or_never().is_some());
        drop(first);
        assert!((&mut third).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_users_writes_wait_for_each_other_and_hold_up_neither_reads_nor_others() {
        let (admission, ann, bob) = admission(8, 2);
        let first = admission.admit_user(&ann, ReadWrite).await;
        let mut second = Box::pin(admission.admit_user(&ann, ReadWrite));
        assert!((&mut second).now_or_never().is_none());
        assert!(admission.admit_user(&ann, ReadOnly).now_or_never().is_some());
        assert!(admission.admit_user(&bob, ReadWrite).now_or_never().is_some());
        drop(first);
        assert!((&mut second).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_newcomer_does_not_overtake_who_waits() {
        let (admission, ann, _) = admission(1, 2);
        let held = admission.admit_user(&ann, ReadOnly).await;
        let mut waiting = Box::pin(admission.admit_server());
        assert!((&mut waiting).now_or_never().is_none());
        drop(held);
        assert!(admission.admit_server().now_or_never().is_none());
        assert!((&mut waiting).now_or_never().is_some());
        assert!(admission.admit_server().now_or_never().is_some());
    }

    #[tokio::test]
    async fn users_are_forgotten_when_nothing_of_theirs_runs_or_waits() {
        let (admission, ann, _) = admission(1, 1);
        let held = admission.admit_user(&ann, ReadOnly).await;
        let waiting =
            [admission.admit_user(&ann, ReadOnly).now_or_never(), admission.admit_user(&ann, ReadWrite).now_or_never()];
        assert!(waiting.iter().all(Option::is_none));
        assert_eq!(admission.users.lock().len(), 1);
        drop(held);
        assert!(admission.users.lock().is_empty());
    }
}
