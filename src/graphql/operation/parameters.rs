//! The parameters of an operation, as they are sent in JSON.

use async_graphql::Variables;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The parameters of one operation. Others are ignored, as the specification asks.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::graphql) struct Parameters {
    /// The document.
    pub(in crate::graphql) query: Option<String>,
    /// The id of a trusted document, or the hash of one that was sent before.
    pub(in crate::graphql) document_id: Option<String>,
    /// The operation to run, if the document has several.
    pub(in crate::graphql) operation_name: Option<String>,
    /// The variables, not coerced yet.
    #[serde(default)]
    pub(in crate::graphql) variables: Variables,
    /// Protocol extensions, such as `persistedQuery`.
    pub(in crate::graphql) extensions: Option<Map<String, Value>>,
}

impl Parameters {
    /// The hash of the document, as Apollo's clients send it.
    pub(in crate::graphql) fn persisted_hash(&self) -> Option<String> {
        let persisted = self.extensions.as_ref()?.get("persistedQuery")?;
        Some(persisted.get("sha256Hash")?.as_str()?.to_owned())
    }

    /// Whether they say what to run.
    pub(in crate::graphql) fn has_document(&self) -> bool {
        self.query.is_some() || self.document_id.is_some() || self.persisted_hash().is_some()
    }
}
