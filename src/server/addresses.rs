//! How many connections each address has.

use std::{collections::HashMap, net::IpAddr, num::NonZeroUsize, sync::Arc};

use crate::http::rate_limiting::{TrustedProxies, client_key};
use parking_lot::{Mutex, MutexGuard};

/// The open connections of addresses that have any.
type Open = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Counts the connections of each address, but for those of proxies, behind which many clients stand.
pub(super) struct Addresses {
    max: Option<NonZeroUsize>,
    proxies: TrustedProxies,
    open: Open,
}

impl Addresses {
    pub(super) fn new(max: Option<NonZeroUsize>, proxies: TrustedProxies) -> Self {
        Self { max, proxies, open: Arc::default() }
    }

    /// Counts a connection until what is returned is dropped; `None` if its address has as many as it may.
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Counted> {
        let Some(max) = self.max.filter(|_| !self.proxies.trusts(peer)) else { return Some(Counted(None)) };
        let address = client_key(peer.to_canonical());
        let mut open = lock(&self.open);
        let count = open.entry(address).or_default();
        if *count >= max.get() {
            return None;
        }
        *count += 1;
        Some(Counted(Some((Arc::clone(&self.open), address))))
    }
}

/// A connection that is counted for its address, if that is limited.
pub(super) struct Counted(Option<(Open, IpAddr)>);

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((open, address)) = &self.0 else { return };
        let mut open = lock(open);
        if let Some(count) = open.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                open.remove(address);
            }
        }
    }
}

fn lock(open: &Open) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    open.lock()
}
