//! Statements, and what those of users share: the generated schema, the owner, idempotency keys and outcomes.

pub(super) mod claim;
pub(super) mod emptied;
pub(super) mod fingerprint;
pub(super) mod owner;
pub(super) mod record;
pub(super) mod schema;
pub(super) mod statement;
