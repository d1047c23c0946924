//! Makes HS256 tokens, for development and for tests against a server that shares the secret.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// A token for a user that expires after `ttl`.
pub fn mint(secret: &SecretString, user: &str, ttl: Duration) -> Result<String, jsonwebtoken::errors::Error> {
    let now = chrono::Utc::now().timestamp();
    let expires = now.saturating_add_unsigned(ttl.as_secs());
    let claims = json!({ "sub": user, "iat": now, "exp": expires });
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key)
}
