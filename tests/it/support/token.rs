//! Tokens for tests.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

/// The secret the tested servers share with these tests.
pub const SECRET: &str = "the secret of the integration tests";

/// A valid token for a user.
pub fn token(user: &str) -> String {
    tandem::auth::mint(&SECRET.into(), user, Duration::from_mins(5)).expect("a token")
}

/// A token with these claims, signed with this secret.
pub fn signed(secret: &str, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(secret.as_bytes())).expect("a token")
}

/// A token that expired an hour ago.
pub fn expired(user: &str) -> String {
    signed(SECRET, &json!({ "sub": user, "exp": chrono::Utc::now().timestamp() - 3600 }))
}
