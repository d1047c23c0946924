//! Where verification keys come from, and what else a token of that origin must say.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, Header, TokenData, Validation, errors::ErrorKind};
use secrecy::{ExposeSecret, SecretString};

use super::claims::{Claims, audiences};

/// One origin of tokens: its keys, the algorithms they are for, and the issuer and audience it must name.
#[derive(Clone)]
pub struct KeySource {
    keys: Vec<DecodingKey>,
    validation: Validation,
    issuer: Option<String>,
    audience: Option<String>,
}

impl KeySource {
    /// HS256 with any of these secrets, the raw UTF-8 bytes being the key.
    #[must_use]
    pub fn hs256(secrets: &[SecretString]) -> Self {
        let keys = secrets.iter().map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes())).collect();
        Self { keys, validation: signature_only(Algorithm::HS256), issuer: None, audience: None }
    }

    /// Asks for these `iss` and `aud` claims; `None` asks for nothing.
    #[must_use]
    pub fn with_claims(self, issuer: Option<String>, audience: Option<String>) -> Self {
        Self { issuer, audience, ..self }
    }

    /// Whether the header names an algorithm these keys are for. The key decides, the token only has to agree.
    pub(super) fn accepts(&self, header: &Header) -> bool {
        self.validation.algorithms.contains(&header.alg)
    }

    /// The claims, if one of the keys made the signature, or the name of the check that failed.
    pub(super) fn verify(&self, token: &str) -> Result<Claims, String> {
        let mut failure = "signature does not match".to_owned();
        for key in &self.keys {
            match jsonwebtoken::decode::<Claims>(token, key, &self.validation) {
                Ok(TokenData { claims, .. }) => return self.check_origin(&claims).map(|()| claims),
                Err(error) if *error.kind() == ErrorKind::InvalidSignature => {}
                Err(_) => "token is not a well-formed JWT".clone_into(&mut failure),
            }
        }
        Err(failure)
    }

    fn check_origin(&self, claims: &Claims) -> Result<(), String> {
        if let Some(issuer) = &self.issuer {
            let is_from_it = claims.get("iss").and_then(|iss| iss.as_str()) == Some(issuer);
            is_from_it.then_some(()).ok_or_else(|| format!("issuer is not {issuer}"))?;
        }
        if let Some(audience) = &self.audience {
            audiences(claims)
                .any(|aud| aud == audience)
                .then_some(())
                .ok_or_else(|| format!("audience is not {audience}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource")
            .field("keys", &self.keys.len())
            .field("algorithms", &self.validation.algorithms)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish()
    }
}

/// The library checks the signature, [`super::claims`] the claims: that way the answer can say which check failed.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

/// Reads `2:new,1:old`: any of these secrets verifies, whatever its version.
pub fn parse_versioned_secrets(text: &str) -> Result<Vec<SecretString>, String> {
    text.split(',').map(parse_versioned_secret).collect()
}

fn parse_versioned_secret(text: &str) -> Result<SecretString, String> {
    match text.trim().split_once(':') {
        Some((version, secret)) if version.parse::<u32>().is_ok() && !secret.is_empty() => Ok(secret.into()),
        _ => Err("must be like `2:new-secret,1:old-secret`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versioned_secrets_keep_colons_and_refuse_what_has_no_version() {
        let secrets = parse_versioned_secrets("2:a:b, 1:old").unwrap();
        let exposed: Vec<_> = secrets.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(exposed, ["a:b", "old"]);
        for text in ["", "secret", "x:secret", "1:", "1:a,"] {
            assert!(parse_versioned_secrets(text).is_err(), "{text:?}");
        }
    }
}
