//! What a write asks for, in 33 bytes: tells whether a request under a known key is the same one.

use aws_lc_rs::digest::{SHA256, digest};

use serde::Serialize;

use crate::error::{Error, Result};

/// The format of fingerprints and outcomes. Increment it when requests get other fingerprints than before. Fields that are
/// skipped while they have their default don't change them.
const FORMAT: u8 = 1;
const LENGTH: usize = 1 + 32;

/// The format, then the SHA-256 of the operation's name and fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    pub(in crate::store) fn of(name: &str, write: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_vec(&(name, write)).map_err(Error::internal)?;
        let mut bytes = [FORMAT; LENGTH];
        bytes[1..].copy_from_slice(digest(&SHA256, &json).as_ref());
        Ok(Self(bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the stored fingerprint is another request's. Those of another format can't be compared: during a deploy, a
    /// retry gets the stored outcome rather than an error or a second write.
    pub(in crate::store) fn differs_from(self, stored: &[u8]) -> bool {
        let is_comparable = stored.len() == LENGTH && stored[0] == FORMAT;
        is_comparable && stored != self.0
    }
}
