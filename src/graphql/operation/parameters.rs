//! The parameters of an operation in JSON, as GraphQL over HTTP has them.

use async_graphql::Variables;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Unknown parameters are ignored, as GraphQL over HTTP asks.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::graphql) struct Parameters {
    pub(in crate::graphql) query: Option<String>,
    /// The id of a trusted document, or the hash of a persisted one.
    pub(in crate::graphql) document_id: Option<String>,
    pub(in crate::graphql) operation_name: Option<String>,
    #[serde(default)]
    pub(in crate::graphql) variables: Variables,
    pub(in crate::graphql) extensions: Option<Map<String, Value>>,
}

impl Parameters {
    /// The document's hash, where Apollo's clients put it.
    pub(in crate::graphql) fn persisted_hash(&self) -> Option<String> {
        let persisted = self.extensions.as_ref()?.get("persistedQuery")?;
        Some(persisted.get("sha256Hash")?.as_str()?.to_owned())
    }

    /// Whether they refer to a document at all.
    pub(in crate::graphql) fn has_document(&self) -> bool {
        self.query.is_some() || self.document_id.is_some() || self.persisted_hash().is_some()
    }
}
