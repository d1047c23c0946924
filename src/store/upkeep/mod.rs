//! What is done to the database as a whole: migrations, sweeping, diagnosis.

pub(super) mod diagnosis;
pub(super) mod migrate;
pub(super) mod sweep;
