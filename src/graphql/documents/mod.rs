//! Documents: how they may be named, what may be parsed, and what is kept of them.

mod cache;
mod persisted;
mod token_count;
mod trusted;

pub(super) use self::{
    cache::{DocumentCache, Prepared},
    persisted::PersistedQueries,
    token_count::TokenCount,
};
pub use self::{
    persisted::Documents,
    trusted::{TrustMode, Trusted},
};
