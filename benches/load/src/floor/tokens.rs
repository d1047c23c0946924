//! Verified tokens are cached, as in the product.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Result;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

pub struct Tokens {
    key: DecodingKey,
    rules: Validation,
    verified: RwLock<HashMap<String, Arc<str>>>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl Tokens {
    pub fn new(secret: &str) -> Self {
        let key = DecodingKey::from_secret(secret.as_bytes());
        Self { key, rules: Validation::new(Algorithm::HS256), verified: RwLock::default() }
    }

    pub fn user(&self, token: &str) -> Result<Arc<str>> {
        if let Some(user) = self.verified.read().unwrap_or_else(PoisonError::into_inner).get(token) {
            return Ok(Arc::clone(user));
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &self.rules)?.claims;
        let user: Arc<str> = claims.sub.into();
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        verified.insert(token.to_owned(), Arc::clone(&user));
        Ok(user)
    }
}
