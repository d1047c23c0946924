//! Whether the app is served, and how its users sign in.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::auth::NewToken;

/// How long the app's tokens are valid in development mode: as long as Better Auth's, so that it has to renew them.
const TTL: Duration = Duration::from_mins(15);

/// The app.
#[derive(Clone, Debug, Default)]
pub struct WebApp {
    /// Whether it is served.
    pub is_on: bool,
    /// How its users sign in.
    pub sign_in: SignIn,
}

/// Where the app gets its tokens.
#[derive(Clone, Debug, Default)]
pub enum SignIn {
    /// From its user, who pastes one.
    #[default]
    Pasted,
    /// From a Better Auth server that the browser has a session with: the URL of its tokens.
    Session(Url),
    /// From this server, for any name. Only in development mode.
    Development(Mint),
}

/// Signs tokens for the app.
#[derive(Clone, Debug)]
pub struct Mint {
    /// What they are signed with.
    pub secret: SecretString,
    /// Their `iss`, if any.
    pub issuer: Option<String>,
    /// Their `aud`, if any.
    pub audience: Option<String>,
}

impl Mint {
    /// The error says why the user id is none.
    pub(super) fn sign(&self, user: &str) -> Result<String, String> {
        let (issuer, audience) = (self.issuer.as_deref(), self.audience.as_deref());
        NewToken { user, ttl: TTL, issuer, audience }.sign(&self.secret)
    }
}
