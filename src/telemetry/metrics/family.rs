//! Metric handles by label.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

use parking_lot::RwLock;

/// Metric handles, each registered when its label is first used.
pub(super) struct Family<K, H>(RwLock<HashMap<K, H>>);

impl<K, H> Default for Family<K, H> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, H> Family<K, H> {
    /// Calls `record` with a label's handle. Only a new label is copied.
    pub(super) fn with<Q>(&self, label: &Q, register: impl FnOnce() -> (K, H), record: impl FnOnce(&H))
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(handle) = self.0.read().get(label) {
            return record(handle);
        }
        let (key, handle) = register();
        record(self.0.write().entry(key).or_insert(handle));
    }
}
