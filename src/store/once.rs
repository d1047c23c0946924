//! A request that is carried out once, however often it is made.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI32, Ordering},
};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use super::claim::Claim;
use crate::task::IdempotencyKey;

/// How many writes one operation of a batch can have.
const PARTS: i32 = 10_000;

/// A request that is to be carried out once.
#[derive(Clone, Debug)]
pub struct Once {
    key: IdempotencyKey,
    next_part: Arc<AtomicI32>,
    replayed: Replayed,
}

/// Whether something was answered from memory.
#[derive(Clone, Debug, Default)]
pub struct Replayed(Arc<AtomicBool>);

impl Replayed {
    /// Whether it was so far.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Once {
    /// Under this key. `replayed` tells later whether it had been carried out before.
    #[must_use]
    pub fn new(key: IdempotencyKey, replayed: Replayed) -> Self {
        Self { key, next_part: Arc::default(), replayed }
    }

    /// For one operation of a batch: they run side by side, so each counts its own writes.
    #[must_use]
    pub fn operation(&self, index: usize) -> Self {
        let first = i32::try_from(index).unwrap_or(i32::MAX).saturating_mul(PARTS);
        Self { next_part: Arc::new(first.into()), ..self.clone() }
    }

    /// The request's next write, which is this one.
    pub(super) fn claim(&self, owner: &Arc<str>, write: &Value) -> Claim {
        let fingerprint = digest(&SHA256, write.to_string().as_bytes());
        Claim {
            user: Arc::clone(owner),
            key: self.key.as_str().into(),
            part: self.next_part.fetch_add(1, Ordering::Relaxed),
            fingerprint: fingerprint.as_ref().into(),
        }
    }

    pub(super) fn note_replay(&self) {
        self.replayed.0.store(true, Ordering::Relaxed);
    }
}
