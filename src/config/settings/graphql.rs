//! The GraphQL API: what it offers, what it executes, and its limits.

use std::{path::PathBuf, sync::Arc};

use clap::{ArgAction, Args};

use crate::{
    graphql::{Documents, Limits, TrustMode, Trusted},
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
    /// What one request may cost.
    #[command(flatten)]
    pub limits: Limits,
    /// Allow automatic persisted queries: a client may send the hash of a document it has sent before
    #[arg(long, env, value_name = "true|false", default_value = "true", action = ArgAction::Set, value_parser = switch)]
    pub graphql_apq: bool,
    /// File of trusted documents, the only ones to be executed [default: any document is executed]
    #[arg(long, env, value_name = "FILE")]
    pub graphql_trusted_documents: Option<PathBuf>,
    /// What happens to other documents: `enforce` refuses them, `learn` executes them and adds them to the file
    #[arg(long, env, value_name = "learn|enforce", default_value = "enforce")]
    pub graphql_trust_mode: TrustMode,
}

impl GraphqlSettings {
    /// Which documents are executed. Reads the file of trusted ones.
    pub fn documents(&self) -> Result<Documents, String> {
        let open = |file: &PathBuf| {
            let trusted = Trusted::open(file, self.graphql_trust_mode);
            trusted.map(Arc::new).map_err(|error| format!("GRAPHQL_TRUSTED_DOCUMENTS: {}: {error}", file.display()))
        };
        let trusted = self.graphql_trusted_documents.as_ref().map(open).transpose()?;
        Ok(Documents { trusted, by_hash: self.graphql_apq })
    }
}
