//! The check every request passes before either door opens.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::{ClaimRules, CurrentUser, KeySource};
use crate::error::{Code, Error, Result};

/// Longer tokens are refused before they are looked at.
const MAX_TOKEN: usize = 8 * 1024;

/// Verifies bearer tokens against the configured key sources. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sources: Vec<KeySource>,
    rules: ClaimRules,
}

impl Verifier {
    /// A verifier that accepts tokens of any of these origins.
    #[must_use]
    pub fn new(sources: Vec<KeySource>, rules: ClaimRules) -> Self {
        Self { inner: Arc::new(Inner { sources, rules }) }
    }

    /// The user whose token the `Authorization` header carries.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<CurrentUser> {
        self.verify(bearer_token(headers)?)
    }

    /// The user a token speaks for; the error names the check that failed and nothing secret.
    pub fn verify(&self, token: &str) -> Result<CurrentUser> {
        self.check(token).map_err(|failure| Error::new(Code::Unauthenticated, format!("Invalid token: {failure}")))
    }

    fn check(&self, token: &str) -> Result<CurrentUser, String> {
        if token.len() > MAX_TOKEN {
            return Err(format!("token is longer than {MAX_TOKEN} bytes"));
        }
        let header = jsonwebtoken::decode_header(token)
            .map_err(|_| "token is not a well-formed JWT signed with a known algorithm")?;
        let mut failure = format!("algorithm {:?} not accepted", header.alg);
        for source in self.inner.sources.iter().filter(|source| source.accepts(&header)) {
            match source.verify(token) {
                Ok(claims) => return self.inner.rules.check(&claims),
                Err(reason) => failure = reason,
            }
        }
        Err(failure)
    }
}

/// The token of `Authorization: Bearer <token>`; the scheme's case and extra spaces don't matter.
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

    fn refusal(token: &str) -> String {
        verifier().verify(token).unwrap_err().message().to_owned()
    }

    fn in_an_hour() -> i64 {
        chrono::Utc::now().timestamp() + 3600
    }

    #[test]
    fn a_minted_token_is_accepted_whichever_secret_signed_it() {
        for secret in [SECRET, "older"] {
            let token = mint(&secret.into(), "ann", Duration::from_mins(1)).unwrap();
            assert_eq!(verifier().verify(&token).unwrap().id(), "ann");
        }
    }

    #[test]
    fn the_user_id_is_the_first_claim_of_the_list_that_is_there_and_never_the_email() {
        let exp = in_an_hour();
        for (claims, id) in [
            (json!({"exp": exp, "id": "b", "sub": "a"}), "a"),
            (json!({"exp": exp, "userId": "d", "id": "c"}), "c"),
            (json!({"exp": exp, "user_id": "b", "email": "x@example.com"}), "b"),
        ] {
            assert_eq!(verifier().verify(&signed(Algorithm::HS256, SECRET, &claims)).unwrap().id(), id);
        }
    }

    #[test]
    fn each_refusal_names_the_check_that_failed() {
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
            let message = refusal(&signed(Algorithm::HS256, SECRET, &claims));
            assert!(message.starts_with(&format!("Invalid token: {reason}")), "{claims}: {message}");
        }
    }

    #[test]
    fn other_algorithms_other_keys_and_no_signature_are_refused() {
        let claims = json!({"sub": "a", "exp": in_an_hour()});
        assert_eq!(refusal(&signed(Algorithm::HS384, SECRET, &claims)), "Invalid token: algorithm HS384 not accepted");
        assert_eq!(refusal(&signed(Algorithm::HS256, "other", &claims)), "Invalid token: signature does not match");
        let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.";
        for token in [none, "", "a.b", "a.b.c", "opaque-session-token", "💥.💥.💥"] {
            assert!(refusal(token).starts_with("Invalid token: token is not a well-formed JWT"), "{token}");
        }
        assert_eq!(refusal(&"x".repeat(MAX_TOKEN + 1)), "Invalid token: token is longer than 8192 bytes");
    }

    #[test]
    fn issuer_and_audience_are_checked_when_configured() {
        let source = KeySource::hs256(&[SECRET.into()]).with_claims(Some("https://a".into()), Some("api".into()));
        let verifier = Verifier::new(vec![source], ClaimRules::default());
        let exp = in_an_hour();
        let verify = |claims| verifier.verify(&signed(Algorithm::HS256, SECRET, &claims));
        assert!(verify(json!({"sub": "a", "exp": exp, "iss": "https://a", "aud": ["x", "api"]})).is_ok());
        let error = verify(json!({"sub": "a", "exp": exp, "iss": "https://b", "aud": "api"})).unwrap_err();
        assert_eq!(error.message(), "Invalid token: issuer is not https://a");
        let error = verify(json!({"sub": "a", "exp": exp, "iss": "https://a"})).unwrap_err();
        assert_eq!(error.message(), "Invalid token: audience is not api");
    }
}
