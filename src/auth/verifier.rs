//! Authenticates requests by their bearer token.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use futures::{StreamExt, stream::FuturesUnordered};
use jsonwebtoken::Algorithm;

use super::{
    ClaimRules, KeySource, VerifiedToken,
    cache::{Digest, Entry, TokenCache},
    check::{Check, Finding, TokenError, Trail},
    keys::{key_set::Key, source::algorithm},
    token::{MAX_TOKEN, Token},
};
use crate::{
    error::{Code, Error, Result},
    telemetry::{self, TokenResult},
};

/// Verifies bearer tokens with the configured key sources. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sources: Vec<KeySource>,
    rules: ClaimRules,
    cache: TokenCache,
}

impl Verifier {
    /// Accepts tokens signed with a key of any of these sources.
    #[must_use]
    pub fn new(sources: Vec<KeySource>, rules: ClaimRules) -> Self {
        Self { inner: Arc::new(Inner { sources, rules, cache: TokenCache::new() }) }
    }

    /// Fetches published keys at intervals, in the background.
    pub fn keep_keys_fresh(&self) {
        self.inner.sources.iter().for_each(KeySource::keep_fresh);
    }

    /// Verifies the token in the `Authorization` header.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<VerifiedToken> {
        let token = self.verify(bearer_token(headers)?).await?;
        telemetry::note_user(token.user().shared_id());
        Ok(token)
    }

    /// Whether the token in the `Authorization` header was verified before.
    #[must_use]
    pub(crate) fn remembers(&self, headers: &HeaderMap) -> bool {
        bearer_token(headers).is_ok_and(|token| self.remembers_token(token))
    }

    /// Whether this token was verified before.
    #[must_use]
    pub(crate) fn remembers_token(&self, token: &str) -> bool {
        token.len() <= MAX_TOKEN && self.inner.cache.get(&Digest::of(token)).is_some()
    }

    /// Verifies a token. Waits for an issuer only if the token names an unknown key. The error names the check that failed.
    pub async fn verify(&self, token: &str) -> Result<VerifiedToken> {
        Ok(VerifiedToken::new(self.entry(token).await?, self.inner.rules.leeway))
    }

    async fn entry(&self, token: &str) -> Result<Arc<Entry>> {
        // An oversized token isn't even hashed.
        let digest = (token.len() <= MAX_TOKEN).then(|| Digest::of(token));
        if let Some(entry) = digest.and_then(|digest| self.inner.cache.get(&digest)) {
            telemetry::token_checked(TokenResult::Cached);
            return Ok(entry);
        }
        let checked = self.inner.check(token, digest, &mut Trail::default()).await;
        telemetry::token_checked(if checked.is_ok() { TokenResult::Verified } else { TokenResult::Refused });
        checked.map_err(|error| Error::invalid_token(&error.reason))
    }

    /// Returns the findings of all checks, bypassing the cache. If a check failed, it is the last.
    pub async fn explain(&self, token: &str) -> Vec<Finding> {
        let mut trail = Trail::recording();
        if let Err(error) = self.inner.check(token, None, &mut trail).await {
            trail.failed(&error);
        }
        trail.into_findings()
    }

    /// The key sources, each with the error if its last fetch failed.
    #[must_use]
    pub fn sources(&self) -> Vec<(String, Option<Arc<str>>)> {
        self.inner.sources.iter().map(|source| (source.to_string(), source.failure())).collect()
    }
}

impl Inner {
    async fn check(&self, text: &str, digest: Option<Digest>, trail: &mut Trail) -> Result<Arc<Entry>, TokenError> {
        if text.len() > MAX_TOKEN {
            return Err(TokenError::new(Check::Size, format!("token is longer than {MAX_TOKEN} bytes")));
        }
        trail.passed(Check::Size, || format!("{} of at most {MAX_TOKEN} bytes", text.len()));
        let token = Token::parse(text)?;
        trail.passed(Check::Form, || "three parts; header and claims are JSON objects".to_owned());
        token.header.check()?;
        trail.passed(Check::Header, || "no critical parameters, and the type of an access token".to_owned());
        let algorithm = algorithm(&token.header.alg, &self.sources)?;
        trail.passed(Check::Algorithm, || format!("{algorithm:?}"));
        let key = self.signer(&token, algorithm, trail).await?;
        let (user, expires) = self.rules.check(&token.claims, trail)?;
        let entry = Arc::new(Entry { user, expires, key: Arc::downgrade(&key) });
        if let Some(digest) = digest {
            self.cache.insert(digest, &entry);
        }
        Ok(entry)
    }

    /// Finds the key that signed the token. Issuers are asked only after all known keys have been tried.
    async fn signer(&self, token: &Token<'_>, algorithm: Algorithm, trail: &mut Trail) -> Result<Arc<Key>, TokenError> {
        let mut errors = Vec::new();
        let mut missing = FuturesUnordered::new();
        for source in self.sources.iter().filter(|source| source.accepts(algorithm)) {
            match source.verify(token, algorithm, trail) {
                Ok(key) => return Ok(key),
                Err(error) if error.check == Check::Key => {
                    missing.push(async move {
                        source.look_for(token, algorithm).await;
                        source
                    });
                }
                Err(error) => errors.push(error),
            }
        }
        while let Some(source) = missing.next().await {
            match source.verify(token, algorithm, trail) {
                Ok(key) => return Ok(key),
                Err(error) => errors.push(error),
            }
        }
        let furthest = errors.into_iter().max_by_key(|error| error.check);
        Err(furthest.unwrap_or_else(|| TokenError::new(Check::Algorithm, "algorithm not accepted")))
    }
}

/// The token of `Authorization: Bearer <token>`. The scheme's case and extra spaces don't matter.
fn bearer_token(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let value = values.next().ok_or(missing("Not authenticated"))?;
    if values.next().is_some() {
        return Err(missing("More than one Authorization header"));
    }
    let value = value.to_str().map_err(|_| missing("The Authorization header is not text"))?;
    let (scheme, token) = value.trim().split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        return Err(missing("The Authorization header is not `Bearer <token>`"));
    }
    Ok(token.trim())
}

fn missing(message: &'static str) -> Error {
    Error::new(Code::Unauthenticated, message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::mint;

    const SECRET: &str = "a secret that only this test knows";

    fn verifier() -> Verifier {
        Verifier::new(vec![KeySource::hs256(&["older".into(), SECRET.into()])], ClaimRules::default())
    }

    fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    async fn refusal(token: &str) -> String {
        verifier().verify(token).await.unwrap_err().message().to_owned()
    }

    fn in_an_hour() -> i64 {
        chrono::Utc::now().timestamp() + 3600
    }

    #[tokio::test]
    async fn a_minted_token_is_accepted_whichever_secret_signed_it() {
        for secret in [SECRET, "older"] {
            let token = mint(&secret.into(), "ann", Duration::from_mins(1)).unwrap();
            assert_eq!(verifier().verify(&token).await.unwrap().user().id(), "ann");
        }
    }

    #[tokio::test]
    async fn the_user_id_is_the_first_of_the_configured_claims_and_never_the_email() {
        let exp = in_an_hour();
        for (claims, id) in [
            (json!({"exp": exp, "id": "b", "sub": "a"}), "a"),
            (json!({"exp": exp, "userId": "d", "id": "c"}), "c"),
            (json!({"exp": exp, "user_id": "b", "email": "x@example.com"}), "b"),
        ] {
            let token = verifier().verify(&signed(Algorithm::HS256, SECRET, &claims)).await.unwrap();
            assert_eq!(token.user().id(), id);
        }
    }

    #[tokio::test]
    async fn each_refusal_names_the_check_that_failed() {
        let exp = in_an_hour();
        let long = "x".repeat(256);
        for (claims, reason) in [
            (json!({"sub": "a"}), "token has no exp claim"),
            (json!({"sub": "a", "exp": exp - 7200}), "token expired"),
            (json!({"sub": "a", "exp": "soon"}), "claim exp is not a time in seconds"),
            (json!({"sub": "a", "exp": -1}), "claim exp is not a time in seconds"),
            (json!({"sub": "a", "exp": exp, "nbf": exp}), "token not valid yet: nbf is in the future"),
            (json!({"sub": "a", "exp": exp, "iat": exp}), "token not valid yet: iat is in the future"),
            (json!({"email": "a@example.com", "exp": exp}), "token has no user id"),
            (json!({"sub": "", "exp": exp}), "claim sub is empty"),
            (json!({"sub": 7, "exp": exp}), "claim sub is not a string"),
            (json!({"sub": "a\0", "exp": exp}), "claim sub contains control characters"),
            (json!({"sub": long, "exp": exp}), "claim sub is longer than 255 bytes"),
            (json!({"sub": "a", "exp": exp, "updateTo": "b"}), "not an access token but an e-mail verification token"),
            (
                json!({"sub": "a", "exp": exp, "session": {}, "updatedAt": 1}),
                "not an access token but a session cookie",
            ),
            (
                json!({"sub": "a", "exp": exp, "aud": "better-auth:session-cache"}),
                "not an access token but a session cookie",
            ),
        ] {
            let message = refusal(&signed(Algorithm::HS256, SECRET, &claims)).await;
            assert!(message.starts_with(&format!("Invalid token: {reason}")), "{claims}: {message}");
        }
    }

    #[tokio::test]
    async fn other_algorithms_other_keys_and_no_signature_are_refused() {
        let claims = json!({"sub": "a", "exp": in_an_hour()});
        assert_eq!(
            refusal(&signed(Algorithm::HS384, SECRET, &claims)).await,
            "Invalid token: algorithm HS384 not accepted"
        );
        assert_eq!(
            refusal(&signed(Algorithm::HS256, "other", &claims)).await,
            "Invalid token: signature does not match"
        );
        let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.";
        assert_eq!(refusal(none).await, "Invalid token: algorithm none not accepted");
        for token in ["", "a.b", "a.b.c", "opaque-session-token", "💥.💥.💥"] {
            assert!(refusal(token).await.starts_with("Invalid token: token is not a well-formed JWT"), "{token}");
        }
        assert_eq!(refusal(&"x".repeat(MAX_TOKEN + 1)).await, "Invalid token: token is longer than 8192 bytes");
    }

    #[tokio::test]
    async fn issuer_and_audience_are_checked_when_configured() {
        let source = KeySource::hs256(&[SECRET.into()]).with_claims(Some("https://a".into()), Some("api".into()));
        let verifier = Verifier::new(vec![source], ClaimRules::default());
        let exp = in_an_hour();
        let verify = async |claims| verifier.verify(&signed(Algorithm::HS256, SECRET, &claims)).await;
        assert!(verify(json!({"sub": "a", "exp": exp, "iss": "https://a", "aud": ["x", "api"]})).await.is_ok());
        let error = verify(json!({"sub": "a", "exp": exp, "iss": "https://b", "aud": "api"})).await.unwrap_err();
        assert_eq!(error.message(), "Invalid token: issuer is not https://a");
        let error = verify(json!({"sub": "a", "exp": exp, "iss": "https://a"})).await.unwrap_err();
        assert_eq!(error.message(), "Invalid token: audience is not api");
    }
}
