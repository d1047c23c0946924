//! Persisted queries: documents that are requested by their hash after they were sent once (Apollo's automatic persisted
//! queries), or by the id of a trusted document.

use std::{fmt::Write, sync::Arc};

use async_graphql::ServerError;
use aws_lc_rs::digest;
use quick_cache::{Weighter, sync::Cache};

use super::trusted::Trusted;
use crate::{error::Code, graphql::error::worded};

/// The most bytes of documents that are kept by their hash.
const MAX_KEPT: u64 = 2 * 1024 * 1024;
/// As which the shortest ones count, with their hash.
const MIN_WEIGHT: u64 = 128;
/// About how many there are. With more, the cache would be cut into parts too small for the longest of them.
const DOCUMENTS: usize = 256;

/// Which documents are run, and how they can be requested.
#[derive(Clone, Debug)]
pub struct Documents {
    /// The only documents that are run; `None` for any.
    pub trusted: Option<Arc<Trusted>>,
    /// Whether a document that was sent once can be requested by its hash.
    pub by_hash: bool,
}

impl Default for Documents {
    fn default() -> Self {
        Self { trusted: None, by_hash: true }
    }
}

/// How a request asks for a document.
#[derive(Default)]
pub(in crate::graphql) struct DocumentRequest {
    /// The document itself.
    pub(in crate::graphql) text: Option<String>,
    /// An id of a trusted document, or a hash.
    pub(in crate::graphql) id: Option<String>,
    /// The hash of the document, which may be kept under it.
    pub(in crate::graphql) hash: Option<String>,
}

/// A document that was found.
pub(in crate::graphql) struct Named {
    pub(in crate::graphql) text: Arc<str>,
    hash: Option<String>,
}

/// Finds documents by hash or id.
pub(in crate::graphql) struct PersistedQueries {
    rules: Documents,
    by_hash: Cache<String, Arc<str>, TextLength>,
}

/// What is kept of a document is its text.
#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<str>> for TextLength {
    fn weight(&self, _: &String, text: &Arc<str>) -> u64 {
        u64::try_from(text.len()).unwrap_or(u64::MAX).max(MIN_WEIGHT)
    }
}

impl PersistedQueries {
    pub(in crate::graphql) fn new(rules: Documents) -> Self {
        Self { rules, by_hash: Cache::with_weighter(DOCUMENTS, MAX_KEPT, TextLength) }
    }

    /// The document that a request sends or identifies; `None` if it does neither.
    pub(in crate::graphql) fn find(&self, wanted: DocumentRequest) -> Result<Option<Named>, ServerError> {
        match (wanted.text, wanted.id.or_else(|| wanted.hash.clone())) {
            (Some(text), _) => self.sent(text, wanted.hash).map(Some),
            (None, Some(id)) => self.named(&id).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Keeps a valid document by its hash.
    pub(in crate::graphql) fn keep(&self, document: &Named) {
        if let Some(trusted) = &self.rules.trusted {
            trusted.learn(&document.text);
        }
        if let Some(hash) = &document.hash {
            self.by_hash.insert(hash.clone(), Arc::clone(&document.text));
        }
    }

    fn sent(&self, text: String, given: Option<String>) -> Result<Named, ServerError> {
        if given.as_ref().is_some_and(|given| *given != hash(&text)) {
            return Err(worded(Code::BadUserInput, "The hash doesn't match the document"));
        }
        if self.rules.trusted.as_ref().is_some_and(|trusted| !trusted.allows(&text)) {
            return Err(worded(Code::PersistedQueryNotInList, "The document is not trusted"));
        }
        Ok(Named { text: text.into(), hash: given.filter(|_| self.rules.by_hash) })
    }

    fn named(&self, id: &str) -> Result<Named, ServerError> {
        let trusted = |id| self.rules.trusted.as_ref().and_then(|trusted| trusted.get(id));
        // A manifest may have the prefix of a hash in its ids.
        let hash = id.strip_prefix("sha256:").unwrap_or(id);
        let text = trusted(id).or_else(|| trusted(hash)).or_else(|| self.by_hash.get(hash));
        // Apollo's clients recognise these messages.
        let unknown = || {
            if self.rules.by_hash {
                worded(Code::PersistedQueryNotFound, "PersistedQueryNotFound")
            } else {
                worded(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported")
            }
        };
        text.map(|text| Named { text, hash: None }).ok_or_else(unknown)
    }
}

/// The SHA-256 of a document in lower-case hexadecimal digits.
pub(in crate::graphql) fn hash(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hash, byte| {
        // Writing to a string can't fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}
