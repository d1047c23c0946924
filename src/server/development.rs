//! Development mode: the server's own secret, and a token and examples to start with.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use secrecy::SecretString;

use crate::{
    auth::{self, KeySource, NewToken},
    config::Config,
    error::{Error, Result},
    web::Mint,
};

/// The user of the printed token.
const USER: &str = "demo";
/// How long that token is valid.
const TTL: Duration = Duration::from_hours(30 * 24);

/// The development secret and a token signed with it.
pub struct Development {
    secret: SecretString,
    data_dir: PathBuf,
    /// A token for the user `demo`.
    pub token: Arc<str>,
}

impl Development {
    /// Reads the secret from the data directory, or creates it there.
    pub fn open(config: &Config) -> Result<Self> {
        let data_dir = config.database.data_dir.clone();
        let explain = |error| Error::internal(format!("can't read the secret in {}: {error}", data_dir.display()));
        let secret = auth::dev_secret(&data_dir).map_err(explain)?;
        let token = config.tokens.new_token(USER, TTL).sign(&secret).map_err(Error::internal)?;
        Ok(Self { secret, data_dir, token: token.into() })
    }

    /// Accepts tokens signed with the development secret.
    #[must_use]
    pub fn key_source(&self, config: &Config) -> KeySource {
        config.tokens.shared(std::slice::from_ref(&self.secret))
    }

    /// Signs the tokens of the app.
    #[must_use]
    pub fn mint(&self, config: &Config) -> Mint {
        let NewToken { issuer, audience, .. } = config.tokens.new_token(USER, TTL);
        let owned = |claim: Option<&str>| claim.map(str::to_owned);
        Mint { secret: self.secret.clone(), issuer: owned(issuer), audience: owned(audience) }
    }

    /// The text printed when the server has started.
    #[must_use]
    pub fn banner(&self, address: SocketAddr) -> String {
        let base = format!("http://{address}");
        let token = &self.token;
        let data_dir = self.data_dir.display();
        let program = std::env::args().next().unwrap_or_else(|| "tandem".to_owned());
        format!(
            "
Tandem is running in development mode: embedded database, tokens signed with its own secret.

  App       {base}/app
  GraphQL   {base}/graphql
  GraphiQL  {base}/graphiql
  REST      {base}/api/tasks

A token for the user `{USER}`, valid for 30 days:

  {token}

Try it:

  curl -s {base}/graphql -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{\"query\":\"mutation {{ createTask(input: {{ title: \\\"Buy milk\\\" }}) {{ id title completed }} }}\"}}'

  curl -s {base}/api/tasks -H 'Authorization: Bearer {token}'

Token for another user:  {program} token --user NAME
The data is in {data_dir}. Press Ctrl-C to stop.
"
        )
    }
}
