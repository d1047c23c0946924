//! What statements are made of: rows, the generated schema, the owner that each names, and what a write leaves behind.

pub(super) mod claim;
pub(super) mod fingerprint;
pub(super) mod owner;
pub(super) mod record;
pub(super) mod schema;
pub(super) mod statement;
