//! Tokens that were verified once are remembered, as in the product.

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
    known: RwLock<HashMap<String, Arc<str>>>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl Tokens {
    pub fn new(secret: &str) -> Self {
        let key = DecodingKey::from_secret(secret.as_bytes());
        Self { key, rules: Validation::new(Algorithm::HS256), known: RwLock::default() }
    }

    pub fn user(&self, token: &str) -> Result<Arc<str>> {
        if let Some(user) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(token) {
            return Ok(Arc::clone(user));
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &self.rules)?.claims;
        let user: Arc<str> = claims.sub.into();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(token.to_owned(), Arc::clone(&user));
        Ok(user)
    }
}
