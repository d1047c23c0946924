//! Documents that are named instead of sent: by the hash of one that was sent before (automatic persisted queries, as
//! Apollo's clients speak them), or by the id of one that is trusted.

use std::{fmt::Write, sync::Arc};

use async_graphql::ServerError;
use aws_lc_rs::digest;
use moka::sync::Cache;

use super::trusted::Trusted;
use crate::{
    error::Code,
    graphql::{error::worded, http::Parameters},
};

/// How many bytes of documents are kept for those who name them by their hash.
const MAX_KEPT: u64 = 2 * 1024 * 1024;

/// Which documents are run, and how they may be named.
#[derive(Clone, Debug)]
pub struct Documents {
    /// The trusted ones; `None` when any will do.
    pub trusted: Option<Arc<Trusted>>,
    /// Whether a document that was sent once can be named by its hash.
    pub by_hash: bool,
}

impl Default for Documents {
    fn default() -> Self {
        Self { trusted: None, by_hash: true }
    }
}

/// A document to be run.
pub(in crate::graphql) struct Named {
    pub(in crate::graphql) text: Arc<str>,
    hash: Option<String>,
}

/// Finds documents by their names.
pub(in crate::graphql) struct PersistedQueries {
    rules: Documents,
    by_hash: Cache<String, Arc<str>>,
}

impl PersistedQueries {
    pub(in crate::graphql) fn new(rules: Documents) -> Self {
        let weight = |_: &String, text: &Arc<str>| u32::try_from(text.len()).unwrap_or(u32::MAX).max(128);
        Self { rules, by_hash: Cache::builder().max_capacity(MAX_KEPT).weigher(weight).build() }
    }

    /// The document that a request sends or names; `None` if it does neither.
    pub(in crate::graphql) fn find(&self, parameters: &mut Parameters) -> Result<Option<Named>, ServerError> {
        let hash = persisted_hash(parameters);
        let id = parameters.document_id.take();
        let id = id.as_deref().map(|id| id.strip_prefix("sha256:").unwrap_or(id));
        match (parameters.query.take(), id.or(hash.as_deref())) {
            (Some(text), _) => self.sent(text, hash).map(Some),
            (None, Some(id)) => self.named(id).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// A good document can be named from now on.
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
            return Err(worded(Code::BadUserInput, "The hash is not that of the document"));
        }
        if self.rules.trusted.as_ref().is_some_and(|trusted| !trusted.allows(&text)) {
            return Err(worded(Code::PersistedQueryNotInList, "The document is not one of those trusted here"));
        }
        Ok(Named { text: text.into(), hash: given.filter(|_| self.rules.by_hash) })
    }

    fn named(&self, id: &str) -> Result<Named, ServerError> {
        let trusted = self.rules.trusted.as_ref().and_then(|trusted| trusted.get(id));
        let text = trusted.or_else(|| self.by_hash.get(id));
        // Apollo's clients know these two by their messages.
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

fn persisted_hash(parameters: &Parameters) -> Option<String> {
    let persisted = parameters.extensions.as_ref()?.get("persistedQuery")?;
    Some(persisted.get("sha256Hash")?.as_str()?.to_owned())
}

/// The SHA-256 of a document, in small hexadecimal digits.
pub(in crate::graphql) fn hash(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hash, byte| {
        // Writing to a string can't fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}
