//! Keys, and which of them a token refers to. The key determines the algorithms, not the token.

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::auth::{
    check::{Check, Quoted, TokenError},
    token::{Header, Token},
};

/// The supported algorithms of public keys: those of Better Auth except ES512, which jsonwebtoken doesn't have.
pub(crate) const PUBLIC_KEY_ALGORITHMS: [Algorithm; 4] =
    [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256, Algorithm::PS256];
/// Maximum number of keys in a set; the rest are ignored.
const MAX_KEYS: usize = 100;
/// Minimum size of an RSA modulus (RFC 7518, section 3.3).
const MIN_RSA_BITS: usize = 2048;

/// A key. The cache refers to it weakly, so that tokens become invalid together with their key.
pub(crate) struct Key {
    /// The published key; `None` for a shared secret.
    published: Option<Jwk>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

impl Key {
    fn secret(secret: &SecretString) -> Self {
        let decoding = DecodingKey::from_secret(secret.expose_secret().as_bytes());
        Self { published: None, algorithms: vec![Algorithm::HS256], decoding }
    }

    /// Reads an entry of a key set. The error says why the key can't be used.
    fn published(entry: Value) -> Result<Self, &'static str> {
        let jwk: Jwk = serde_json::from_value(entry).map_err(|_| "not a JWK of a known type")?;
        let is_for_signatures =
            jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
                && jwk.common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !is_for_signatures {
            return Err("not for signatures");
        }
        let mut algorithms = algorithms_of_type(&jwk.algorithm)?.to_vec();
        if let Some(named) = jwk.common.key_algorithm {
            algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == named);
        }
        if algorithms.is_empty() {
            return Err("of an unsupported algorithm, or of one that does not match its type");
        }
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| "not a well-formed key")?;
        Ok(Self { published: Some(jwk), algorithms, decoding })
    }

    /// The key id, if it has one.
    pub(crate) fn id(&self) -> Option<&str> {
        self.published.as_ref()?.common.key_id.as_deref()
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    fn has_signed(&self, token: &Token<'_>, algorithm: Algorithm) -> bool {
        let message = token.message.as_bytes();
        self.is_for(algorithm)
            && jsonwebtoken::crypto::verify(token.signature, message, &self.decoding, algorithm).unwrap_or(false)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.published, self.id()) {
            (None, _) => f.write_str("a shared secret"),
            (Some(_), Some(id)) => write!(f, "key {}", Quoted(id)),
            (Some(_), None) => f.write_str("a key without an id"),
        }
    }
}

/// The algorithms that a key of this type and size supports.
fn algorithms_of_type(parameters: &AlgorithmParameters) -> Result<&'static [Algorithm], &'static str> {
    match parameters {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (bytes(&key.x) == Some(32)).then_some(&[Algorithm::EdDSA][..]).ok_or("not a well-formed Ed25519 key")
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            let is_point = bytes(&key.x) == Some(32) && bytes(&key.y) == Some(32);
            is_point.then_some(&[Algorithm::ES256][..]).ok_or("not a well-formed P-256 key")
        }
        AlgorithmParameters::RSA(key) => {
            let is_long = bytes(&key.n).is_some_and(|bytes| bytes * 8 >= MIN_RSA_BITS);
            is_long.then_some(&[Algorithm::RS256, Algorithm::PS256][..]).ok_or("an RSA key that is too short")
        }
        _ => Err("of an unsupported type"),
    }
}

/// The decoded length of base64url text.
fn bytes(text: &str) -> Option<usize> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok().map(|bytes| bytes.len())
}

/// The keys of one source.
#[derive(Default)]
pub(crate) struct KeySet {
    keys: Vec<Arc<Key>>,
}

impl KeySet {
    /// Shared secrets; any of them may have signed a token.
    pub(crate) fn of_secrets(secrets: &[SecretString]) -> Self {
        Self { keys: secrets.iter().map(Key::secret).map(Arc::new).collect() }
    }

    /// Parses a published set. Keys that are also in the old set keep their `Arc`, so that cached tokens stay valid. Unusable
    /// entries are skipped, since issuers publish new kinds of keys beside the old ones.
    pub(crate) fn parse(body: &[u8], old: &Self) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Published {
            keys: Vec<Value>,
        }
        let published: Published = serde_json::from_slice(body).map_err(|_| "not a JSON Web Key Set")?;
        let mut keys = Vec::new();
        for entry in published.keys.into_iter().take(MAX_KEYS) {
            match Key::published(entry) {
                Ok(key) => keys.push(old.same(&key).map_or_else(|| Arc::new(key), Arc::clone)),
                Err(reason) => tracing::debug!(reason, "ignored a key of a key set"),
            }
        }
        Ok(Self { keys })
    }

    fn same(&self, key: &Key) -> Option<&Arc<Key>> {
        self.keys.iter().find(|old| old.published == key.published)
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    #[cfg(test)]
    pub(crate) fn first(&self) -> Arc<Key> {
        Arc::clone(&self.keys[0])
    }

    /// The ids of the keys that aren't in the other set.
    pub(crate) fn ids_missing_in(&self, other: &Self) -> Vec<&str> {
        let is_missing = |key: &&Arc<Key>| other.same(key).is_none();
        self.keys.iter().filter(is_missing).map(|key| key.id().unwrap_or_default()).collect()
    }

    /// Finds the key that signed the token.
    pub(crate) fn verify(&self, token: &Token<'_>, algorithm: Algorithm) -> Result<&Arc<Key>, TokenError> {
        let candidates = self.candidates(&token.header, algorithm)?;
        let signer = candidates.into_iter().find(|key| key.has_signed(token, algorithm));
        signer.ok_or_else(|| TokenError::new(Check::Signature, "signature does not match"))
    }

    /// The keys that may have signed a token: all secrets, or the published key with its key id.
    pub(crate) fn candidates(&self, header: &Header, algorithm: Algorithm) -> Result<Vec<&Arc<Key>>, TokenError> {
        let unknown = |reason| Err(TokenError::new(Check::Key, reason));
        let is_secret = algorithm == Algorithm::HS256;
        let kid = header.kid.as_deref();
        let of_this_id = |key: &&Arc<Key>| is_secret || kid.is_none() || key.id() == kid;
        let named: Vec<_> = self.keys.iter().filter(of_this_id).collect();
        let fitting: Vec<_> = named.iter().copied().filter(|key| key.is_for(algorithm)).collect();
        match (kid, fitting.len()) {
            (None, 2..) if !is_secret => unknown("token names no key id (kid), and there are several keys".to_owned()),
            (None, 0) => unknown("token names no key id (kid), and there is no key for its algorithm".to_owned()),
            (Some(kid), 0) if named.is_empty() => unknown(format!("unknown key id {}", Quoted(kid))),
            (Some(kid), 0) => {
                let reason = format!("algorithm {algorithm:?} does not match key {}", Quoted(kid));
                Err(TokenError::new(Check::Signature, reason))
            }
            _ => Ok(fitting),
        }
    }
}

/// Shows key ids only.
impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(ToString::to_string)).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn parse(keys: &Value) -> KeySet {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), &KeySet::default()).unwrap()
    }

    fn algorithms(entry: &Value) -> Vec<Algorithm> {
        parse(&json!([entry])).keys.first().map(|key| key.algorithms.clone()).unwrap_or_default()
    }

    #[test]
    fn a_keys_type_and_size_decide_which_algorithms_it_is_for() {
        let n = BASE64_URL_SAFE_NO_PAD.encode([0xC1; 256]);
        let short = BASE64_URL_SAFE_NO_PAD.encode([0xC1; 128]);
        for (entry, expected) in [
            (json!({"kty": "OKP", "crv": "Ed25519", "x": X}), &[Algorithm::EdDSA][..]),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": X, "alg": "EdDSA"}), &[Algorithm::EdDSA]),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": X, "alg": "ES256"}), &[]),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}), &[]),
            (json!({"kty": "OKP", "crv": "X25519", "x": X}), &[]),
            (json!({"kty": "EC", "crv": "P-256", "x": X, "y": X}), &[Algorithm::ES256]),
            (json!({"kty": "EC", "crv": "P-521", "x": X, "y": X, "alg": "ES512"}), &[]),
            (json!({"kty": "EC", "crv": "P-521", "x": X, "y": X, "alg": "ES256"}), &[]),
            (json!({"kty": "RSA", "n": n, "e": "AQAB"}), &[Algorithm::RS256, Algorithm::PS256]),
            (json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "PS256", "use": "sig"}), &[Algorithm::PS256]),
            (json!({"kty": "RSA", "n": n, "e": "AQAB", "use": "enc"}), &[]),
            (json!({"kty": "RSA", "n": n, "e": "AQAB", "key_ops": ["encrypt"]}), &[]),
            (json!({"kty": "RSA", "n": short, "e": "AQAB"}), &[]),
            (json!({"kty": "oct", "k": "c2VjcmV0"}), &[]),
            (json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}), &[]),
            (json!({"kty": "LATTICE", "alg": "ML-DSA-65"}), &[]),
            (json!("a key"), &[]),
        ] {
            assert_eq!(algorithms(&entry), expected, "{entry}");
        }
    }

    #[test]
    fn a_key_that_is_published_again_keeps_its_arc() {
        let key = |kid| json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": kid});
        let old = parse(&json!([key("1"), key("2")]));
        let body = json!({ "keys": [key("2"), key("3")] }).to_string();
        let new = KeySet::parse(body.as_bytes(), &old).unwrap();
        assert!(Arc::ptr_eq(&old.keys[1], &new.keys[0]));
        assert_eq!((new.ids_missing_in(&old), old.ids_missing_in(&new)), (vec!["3"], vec!["1"]));
    }

    #[test]
    fn anything_but_a_key_set_is_refused() {
        for body in ["", "{}", "[]", "<html>", r#"{"keys":{}}"#] {
            assert!(KeySet::parse(body.as_bytes(), &KeySet::default()).is_err(), "{body}");
        }
    }
}
