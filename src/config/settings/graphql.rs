//! Settings of the GraphQL API.

use std::{path::PathBuf, sync::Arc};

use clap::{ArgAction, Args};

use crate::{
    graphql::{DocumentPolicy, Limits, TrustMode, TrustedDocuments},
    setting::switch,
};

/// Settings of the GraphQL API.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "GraphQL")]
pub struct GraphqlSettings {
    /// Serve the GraphiQL page, which builds for production don't contain [default: only in development mode]
    #[arg(long, env, value_name = "true|false", value_parser = switch)]
    pub graphiql: Option<bool>,
    /// Allow introspection of the schema [default: only in development mode]
    #[arg(long, env, value_name = "true|false", value_parser = switch)]
    pub graphql_introspection: Option<bool>,
    /// Limits on the cost of one request.
    #[command(flatten)]
    pub limits: Limits,
    /// Allow automatic persisted queries: a client may send the hash of a document instead of the document
    #[arg(long, env, value_name = "true|false", default_value = "true", action = ArgAction::Set, value_parser = switch)]
    pub graphql_apq: bool,
    /// File of trusted documents; no others are executed [default: any document is executed]
    #[arg(long, env, value_name = "FILE")]
    pub graphql_trusted_documents: Option<PathBuf>,
    /// What to do with other documents: `enforce` rejects them, `learn` executes them and adds them to the file,
    /// up to 2,000 documents and 2 MiB
    #[arg(long, env, value_name = "learn|enforce", default_value = "enforce")]
    pub graphql_trust_mode: TrustMode,
}

impl GraphqlSettings {
    /// Reads the file of trusted documents.
    pub fn documents(&self) -> Result<DocumentPolicy, String> {
        let open = |file: &PathBuf| {
            let trusted = TrustedDocuments::open(file, self.graphql_trust_mode);
            trusted.map(Arc::new).map_err(|error| format!("GRAPHQL_TRUSTED_DOCUMENTS: {}: {error}", file.display()))
        };
        let trusted = self.graphql_trusted_documents.as_ref().map(open).transpose()?;
        Ok(DocumentPolicy { trusted, by_hash: self.graphql_apq })
    }
}
