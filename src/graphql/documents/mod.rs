//! Documents (specification, section 2): found by text, hash or id, parsed, validated, normalized and cached.

mod cache;
mod hash;
mod parse;
mod persisted;
mod token_count;
mod trusted;

pub(super) use self::{
    cache::{Document, DocumentCache},
    persisted::{DocumentRef, PersistedDocuments},
    token_count::TokenCount,
};
pub use self::{
    persisted::DocumentPolicy,
    trusted::{TrustMode, TrustedDocuments},
};
