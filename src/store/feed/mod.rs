//! What the change feed needs besides one user's changes: the heads of many feeds, and a new era; and who has one.

mod era;
mod heads;
mod users;

pub(super) use self::heads::FeedWatcher;
pub use self::{
    era::reset_feed,
    heads::{Head, WatchedFeed},
};
