//! Creates HS256 tokens, for development and tests.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::claims::check_user_id;

/// A token to create.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// `sub`.
    pub user: &'a str,
    /// How long the token is valid.
    pub ttl: Duration,
    /// `iss`, if any.
    pub issuer: Option<&'a str>,
    /// `aud`, if any.
    pub audience: Option<&'a str>,
}

impl NewToken<'_> {
    /// Signs the token. The error says why the server would refuse it.
    pub fn sign(&self, secret: &SecretString) -> Result<String, String> {
        check_user_id(self.user).map_err(|violation| format!("the user id {violation}"))?;
        let now = chrono::Utc::now().timestamp();
        let mut claims =
            json!({ "sub": self.user, "iat": now, "exp": now.saturating_add_unsigned(self.ttl.as_secs()) });
        for (name, value) in [("iss", self.issuer), ("aud", self.audience)] {
            if let Some(value) = value {
                claims[name] = Value::from(value);
            }
        }
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        jsonwebtoken::encode(&Header::default(), &claims, &key).map_err(|error| error.to_string())
    }
}

/// Creates a token without issuer and audience.
pub fn mint(secret: &SecretString, user: &str, ttl: Duration) -> Result<String, String> {
    NewToken { user, ttl, issuer: None, audience: None }.sign(secret)
}
