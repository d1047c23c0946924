//! Sources of keys, and the issuer and audience that each requires.

use std::{fmt, sync::Arc};

use jsonwebtoken::Algorithm;
use secrecy::SecretString;

use super::{
    jwks::Jwks,
    jwks_config::JwksConfig,
    key_set::{Key, KeySet},
};
use crate::auth::{
    check::{Check, Quoted, TokenError, Trail},
    claims::{Claims, audiences},
    token::Token,
};

/// A source of keys, with its algorithms and the required issuer and audience.
#[derive(Clone, Debug)]
pub struct KeySource {
    keys: Keys,
    algorithms: Vec<Algorithm>,
    issuer: Option<String>,
    audience: Option<String>,
}

#[derive(Clone, Debug)]
enum Keys {
    Shared(Arc<KeySet>),
    Published(Arc<Jwks>),
}

impl KeySource {
    /// Shared secrets for HS256. A key is the UTF-8 bytes of a secret.
    #[must_use]
    pub fn hs256(secrets: &[SecretString]) -> Self {
        let keys = Keys::Shared(Arc::new(KeySet::of_secrets(secrets)));
        Self { keys, algorithms: vec![Algorithm::HS256], issuer: None, audience: None }
    }

    /// Keys published by an issuer. They are fetched when a token needs one and, after
    /// [`crate::auth::Verifier::keep_keys_fresh`], at intervals. Fails if the system's certificates can't be loaded.
    pub fn jwks(config: JwksConfig) -> Result<Self, reqwest::Error> {
        let keys = Keys::Published(Jwks::new(&config)?);
        Ok(Self { keys, algorithms: config.algorithms, issuer: config.issuer, audience: config.audience })
    }

    /// Requires these `iss` and `aud` claims; `None` accepts any.
    #[must_use]
    pub fn with_claims(self, issuer: Option<String>, audience: Option<String>) -> Self {
        Self { issuer, audience, ..self }
    }

    /// Whether tokens of this algorithm are accepted.
    pub(crate) fn accepts(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(crate) fn keep_fresh(&self) {
        if let Keys::Published(jwks) = &self.keys {
            jwks.keep_fresh();
        }
    }

    /// Finds the key that signed the token, without waiting.
    ///
    /// Issuer and audience are checked before the signature, so that other issuers' tokens don't cause fetches from this one.
    pub(crate) fn verify(
        &self,
        token: &Token<'_>,
        algorithm: Algorithm,
        trail: &mut Trail,
    ) -> Result<Arc<Key>, TokenError> {
        self.check_origin(&token.claims, trail)?;
        let keys = self.keys();
        let key = keys.verify(token, algorithm)?;
        trail.passed(Check::Key, || format!("{key} of {self}"));
        trail.passed(Check::Signature, || format!("{algorithm:?} with that key"));
        Ok(Arc::clone(key))
    }

    /// Fetches the key that [`Self::verify`] didn't find, unless the cooldown forbids it. Then call `verify` again.
    pub(crate) async fn look_for(&self, token: &Token<'_>, algorithm: Algorithm) {
        if let Keys::Published(jwks) = &self.keys {
            jwks.look_for(|keys| keys.candidates(&token.header, algorithm).is_ok()).await;
        }
    }

    /// Whether the keys are published by an issuer.
    pub(crate) fn is_published(&self) -> bool {
        matches!(self.keys, Keys::Published(_))
    }

    /// Fetches published keys now, and returns the number of usable ones.
    pub(crate) async fn fetch(&self) -> Result<usize, Arc<str>> {
        if let Keys::Published(jwks) = &self.keys {
            jwks.look_for(|_| false).await;
        }
        self.failure().map_or_else(|| Ok(self.keys().len()), Err)
    }

    /// The error of the last fetch, if it failed.
    pub(crate) fn failure(&self) -> Option<Arc<str>> {
        match &self.keys {
            Keys::Shared(_) => None,
            Keys::Published(jwks) => jwks.failure(),
        }
    }

    fn keys(&self) -> Arc<KeySet> {
        match &self.keys {
            Keys::Shared(keys) => Arc::clone(keys),
            Keys::Published(jwks) => jwks.keys(),
        }
    }

    fn check_origin(&self, claims: &Claims, trail: &mut Trail) -> Result<(), TokenError> {
        if let Some(issuer) = &self.issuer {
            if claims.get("iss").and_then(|iss| iss.as_str()) != Some(issuer) {
                return Err(TokenError::new(Check::Issuer, format!("issuer is not {issuer}")));
            }
            trail.passed(Check::Issuer, || format!("is {issuer}"));
        }
        if let Some(audience) = &self.audience {
            if !audiences(claims).any(|aud| aud == audience) {
                return Err(TokenError::new(Check::Audience, format!("audience is not {audience}")));
            }
            trail.passed(Check::Audience, || format!("has {audience}"));
        }
        Ok(())
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.keys {
            Keys::Shared(_) => f.write_str("the configured secrets"),
            Keys::Published(jwks) => f.write_str(jwks.url()),
        }
    }
}

/// The token's algorithm, if a source accepts it.
pub(crate) fn algorithm(name: &str, sources: &[KeySource]) -> Result<Algorithm, TokenError> {
    let named = name.parse().ok().filter(|algorithm| sources.iter().any(|source| source.accepts(*algorithm)));
    named.ok_or_else(|| {
        let shown = Quoted(name).to_string();
        TokenError::new(Check::Algorithm, format!("algorithm {} not accepted", shown.trim_matches('"')))
    })
}

/// Parses `2:new,1:old`. The versions aren't used, since any of the secrets may verify a token.
pub fn parse_versioned_secrets(text: &str) -> Result<Vec<SecretString>, String> {
    let parse = |text: &str| match text.trim().split_once(':') {
        Some((version, secret)) if version.parse::<u32>().is_ok() && !secret.is_empty() => Ok(secret.into()),
        _ => Err("must be like `2:new-secret,1:old-secret`".to_owned()),
    };
    text.split(',').map(parse).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn versioned_secrets_may_contain_colons_and_need_a_version() {
        let secrets = parse_versioned_secrets("2:a:b, 1:old").unwrap();
        let exposed: Vec<_> = secrets.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(exposed, ["a:b", "old"]);
        for text in ["", "secret", "x:secret", "1:", "1:a,"] {
            assert!(parse_versioned_secrets(text).is_err(), "{text:?}");
        }
    }
}
