//! Handles by label.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

use parking_lot::RwLock;

/// Handles that are registered when their label is met first.
pub(super) struct Family<K, H>(RwLock<HashMap<K, H>>);

impl<K, H> Default for Family<K, H> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, H> Family<K, H> {
    /// Uses the handle of a label. The label is copied only when it is new.
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
