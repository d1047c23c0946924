//! The proof that the database keeps users apart, and a pooler in front of it their statements.

pub(super) mod isolation;
pub(super) mod pooler;
pub(super) mod prober;
