//! What a server to try things out with has: its own secret, and a token and examples to start with.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use secrecy::SecretString;

use crate::{
    auth::{self, KeySource},
    config::Config,
    error::{Error, Result},
};

/// The user of the token that is shown.
const USER: &str = "demo";
/// How long that token is good for.
const TTL: Duration = Duration::from_hours(30 * 24);

/// The secret of a development server and a token made with it.
pub struct Development {
    secret: SecretString,
    /// A token for the user `demo`.
    pub token: Arc<str>,
}

impl Development {
    /// Reads the secret from the data directory, or makes it there.
    pub fn open(config: &Config) -> Result<Self> {
        let explain = |error| Error::internal(format!("secret in {}: {error}", config.data_dir.display()));
        let secret = auth::dev_secret(&config.data_dir).map_err(explain)?;
        let token = auth::mint(&secret, USER, TTL).map_err(Error::internal)?;
        Ok(Self { secret, token: token.into() })
    }

    /// Where the server's own tokens come from.
    #[must_use]
    pub fn key_source(&self) -> KeySource {
        KeySource::hs256(std::slice::from_ref(&self.secret))
    }

    /// What to tell the person who started the server.
    #[must_use]
    pub fn banner(&self, address: SocketAddr) -> String {
        let base = format!("http://{address}");
        let token = &self.token;
        format!(
            "
Tandem is ready, in development mode: embedded database, tokens signed with its own secret.

  GraphQL   {base}/graphql
  REST      {base}/api/tasks
  GraphiQL  {base}/graphiql

A token for the user `{USER}`; `tandem token --user NAME` makes others:

  {token}

Try both doors:

  curl -s {base}/graphql -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{\"query\":\"mutation {{ createTask(input: {{ title: \\\"Buy milk\\\" }}) {{ id title completed }} }}\"}}'

  curl -s {base}/api/tasks -H 'Authorization: Bearer {token}'
"
        )
    }
}
