//! What the change feed needs of the database besides one user's changes: the heads of many feeds, and a new era.

mod era;
mod heads;

pub use self::era::reset_feed;
pub(super) use self::heads::{Head, Known};
