//! Documents (specification, section 2): found by text, hash or id, parsed, validated, compiled and cached.

mod cache;
mod parse;
mod persisted;
mod token_count;
mod trusted;

pub(super) use self::{
    cache::{Document, DocumentCache},
    persisted::{DocumentRequest, PersistedQueries},
    token_count::TokenCount,
};
pub use self::{
    persisted::Documents,
    trusted::{TrustMode, Trusted},
};
