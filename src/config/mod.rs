//! The settings of the server. Each is a flag and an environment variable.
//!
//! A setting is declared once, as a field of its group with its name, default, help and valid values. The command line,
//! `--help` and `docs/CONFIGURATION.md` are derived from that.

mod errors;
mod read;
mod reference;
mod secret_files;
mod settings;

use std::time::Duration;

use clap::Args;

pub(crate) use self::read::read;
pub use self::{
    errors::ConfigErrors,
    reference::reference,
    settings::{
        ConnectionLimits, DatabaseSettings, GraphqlSettings, LogSettings, RateLimitSettings, ServerSettings,
        TokenSettings,
    },
};
use crate::{
    auth::KeySource,
    graphql::Limits,
    http::{rate_limiting::RateLimits, streams::StreamLimits},
    rest::RestSettings,
    setting,
};

/// All settings. By default all of them are omitted, which is development mode.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// The HTTP server.
    #[command(flatten)]
    pub server: ServerSettings,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// Token verification.
    #[command(flatten)]
    pub tokens: TokenSettings,
    /// The GraphQL API and its limits.
    #[command(flatten)]
    pub graphql: GraphqlSettings,
    /// What older frontends expect of REST.
    #[command(flatten)]
    pub rest: RestSettings,
    /// Rate limits.
    #[command(flatten)]
    pub rate_limits: RateLimitSettings,
    /// WebSockets and event streams.
    #[command(flatten)]
    pub streams: StreamLimits,
    /// Logs, metrics and traces.
    #[command(flatten)]
    pub logs: LogSettings,
}

impl Default for Config {
    fn default() -> Self {
        setting::defaults()
    }
}

impl Config {
    /// Checks the rules across settings.
    pub(crate) fn check(&self, errors: &mut ConfigErrors) {
        self.database.check(errors);
        self.logs.check(errors);
        self.tokens.check(errors);
    }

    /// Whether the server runs in development mode: neither a database nor the signer of tokens is configured.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.database.database_url.is_none() && self.tokens.trusts_nobody()
    }

    /// Whether to serve the GraphiQL page.
    #[must_use]
    pub fn has_graphiql(&self) -> bool {
        self.graphql.graphiql.unwrap_or_else(|| self.is_development())
    }

    /// Whether to serve the app.
    #[must_use]
    pub fn has_app(&self) -> bool {
        self.server.app.unwrap_or_else(|| self.is_development())
    }

    /// How long the server keeps serving on shutdown while it reports that it is not ready.
    #[must_use]
    pub fn shutdown_delay(&self) -> Duration {
        let default = if self.is_development() { Duration::ZERO } else { settings::server::SHUTDOWN_DELAY };
        self.server.shutdown_delay.unwrap_or(default)
    }

    /// The rate limits.
    #[must_use]
    pub fn rate_limits(&self) -> RateLimits {
        self.rate_limits.limits(self.is_development())
    }

    /// The limits of GraphQL requests.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let introspection = self.graphql.graphql_introspection.unwrap_or_else(|| self.is_development());
        Limits { introspection, ..self.graphql.limits.clone() }
    }

    /// The sources of keys; none in development mode. Fails if no source is configured.
    pub fn key_sources(&self) -> Result<Vec<KeySource>, String> {
        if self.is_development() {
            return Ok(Vec::new());
        }
        let sources = self.tokens.key_sources()?;
        if sources.is_empty() {
            let message = "DATABASE_URL is set, but no setting says who signs tokens. Set BETTER_AUTH_URL or JWKS_URL for \
                           tokens signed with published keys, or BETTER_AUTH_SECRET or BETTER_AUTH_SECRETS for a shared \
                           secret. For development mode, unset DATABASE_URL";
            return Err(message.to_owned());
        }
        Ok(sources)
    }
}
