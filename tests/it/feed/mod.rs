//! The change feed, and the streams that follow it.

mod changes;
mod late_commits;
mod ledger;
mod live;
mod model;
mod rxdb;
mod stream_faults;
mod streams;
