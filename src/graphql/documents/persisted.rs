//! Finds the document of a request: the request has its text, its hash (Apollo's automatic persisted queries), or the id
//! of a trusted document.

use std::sync::Arc;

use async_graphql::ServerError;
use quick_cache::{Weighter, sync::Cache};

use super::{hash::hash, trusted::TrustedDocuments};
use crate::{error::Code, graphql::error::server_error};

/// Maximum bytes of persisted documents.
const CACHE_BYTES: u64 = 2 * 1024 * 1024;
/// Counted for a short document: its hash takes memory, too.
const MIN_WEIGHT: u64 = 128;
/// An estimate that sets the number of the cache's shards: with more shards, each would be too small for the longest
/// document.
const EXPECTED_DOCUMENTS: usize = 256;

/// Which documents are executed, and how a request may refer to one.
#[derive(Clone, Debug)]
pub struct DocumentPolicy {
    /// If set, no other documents are executed.
    pub trusted: Option<Arc<TrustedDocuments>>,
    /// Whether automatic persisted queries are enabled.
    pub by_hash: bool,
}

impl Default for DocumentPolicy {
    fn default() -> Self {
        Self { trusted: None, by_hash: true }
    }
}

/// How a request refers to its document.
#[derive(Default)]
pub(in crate::graphql) struct DocumentRef {
    pub(in crate::graphql) text: Option<String>,
    /// An id of a trusted document, or a hash.
    pub(in crate::graphql) id: Option<String>,
    /// With a text: the hash to persist it under.
    pub(in crate::graphql) hash: Option<String>,
}

/// The text a request refers to.
pub(in crate::graphql) struct DocumentText {
    pub(in crate::graphql) text: Arc<str>,
    /// To be persisted under this hash, once it has proved valid.
    hash: Option<String>,
}

/// Trusted documents and automatic persisted queries.
pub(in crate::graphql) struct PersistedDocuments {
    policy: DocumentPolicy,
    by_hash: Cache<String, Arc<str>, TextLength>,
}

#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<str>> for TextLength {
    fn weight(&self, _: &String, text: &Arc<str>) -> u64 {
        u64::try_from(text.len()).unwrap_or(u64::MAX).max(MIN_WEIGHT)
    }
}

impl PersistedDocuments {
    pub(in crate::graphql) fn new(policy: DocumentPolicy) -> Self {
        Self { policy, by_hash: Cache::with_weighter(EXPECTED_DOCUMENTS, CACHE_BYTES, TextLength) }
    }

    /// `None` if the request refers to no document.
    pub(in crate::graphql) fn find(&self, wanted: DocumentRef) -> Result<Option<DocumentText>, ServerError> {
        match (wanted.text, wanted.id.or_else(|| wanted.hash.clone())) {
            (Some(text), _) => self.check_text(text, wanted.hash).map(Some),
            (None, Some(id)) => self.by_id(&id).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Persists a document that proved valid.
    pub(in crate::graphql) fn persist(&self, document: &DocumentText) {
        if let Some(trusted) = &self.policy.trusted {
            trusted.learn(&document.text);
        }
        if let Some(hash) = &document.hash {
            self.by_hash.insert(hash.clone(), Arc::clone(&document.text));
        }
    }

    fn check_text(&self, text: String, sent_hash: Option<String>) -> Result<DocumentText, ServerError> {
        if sent_hash.as_ref().is_some_and(|sent| *sent != hash(&text)) {
            return Err(server_error(Code::BadUserInput, "The hash doesn't match the document"));
        }
        if self.policy.trusted.as_ref().is_some_and(|trusted| !trusted.allows(&text)) {
            return Err(server_error(Code::PersistedQueryNotInList, "The document is not trusted"));
        }
        Ok(DocumentText { text: text.into(), hash: sent_hash.filter(|_| self.policy.by_hash) })
    }

    fn by_id(&self, id: &str) -> Result<DocumentText, ServerError> {
        let trusted = |id| self.policy.trusted.as_ref().and_then(|trusted| trusted.get(id));
        // Ids of a manifest may have this prefix.
        let hash = id.strip_prefix("sha256:").unwrap_or(id);
        let text = trusted(id).or_else(|| trusted(hash)).or_else(|| self.by_hash.get(hash));
        // Apollo's clients match on these messages.
        let not_found = || {
            if self.policy.by_hash {
                server_error(Code::PersistedQueryNotFound, "PersistedQueryNotFound")
            } else {
                server_error(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported")
            }
        };
        text.map(|text| DocumentText { text, hash: None }).ok_or_else(not_found)
    }
}
