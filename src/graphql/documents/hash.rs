//! The name of a document in automatic persisted queries.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 in lower-case hexadecimal digits.
pub(super) fn hash(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().fold(String::with_capacity(64), |mut hash, byte| {
        // Writing to a string can't fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}
