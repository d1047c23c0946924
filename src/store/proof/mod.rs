//! The proof that the database keeps users apart.

pub(super) mod isolation;
pub(super) mod prober;
