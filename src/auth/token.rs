//! Parses tokens.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    check::{Check, Quoted, TokenError},
    claims::{self, Claims},
};

/// Longer tokens are refused without being parsed.
pub(super) const MAX_TOKEN: usize = 8 * 1024;
/// `typ` of access tokens. Better Auth's tokens have none.
const ACCESS_TOKEN_TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// A compact JWS, not yet verified.
pub(crate) struct Token<'a> {
    pub(super) header: Header,
    pub(super) claims: Claims,
    /// What is signed: header and claims, still encoded.
    pub(super) message: &'a str,
    /// The signature, in base64url.
    pub(super) signature: &'a str,
}

/// The header parameters in use. Keys inside a token (`jwk`, `jku`, `x5u`, `x5c`) are never read.
#[derive(Deserialize)]
pub(crate) struct Header {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
    #[serde(default)]
    enc: Option<IgnoredAny>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenError> {
        let malformed = |what: &str| TokenError::new(Check::Form, format!("token is not a well-formed JWT: {what}"));
        let count = text.split('.').count();
        let (message, signature) = text.rsplit_once('.').filter(|_| count == 3).ok_or_else(|| match count {
            5 => malformed("it has 5 parts, so it is encrypted, which is not accepted"),
            _ => malformed(&format!("it has {count} parts, not 3")),
        })?;
        let (header, payload) = message.split_once('.').unwrap_or_default();
        let header = decode(header).ok_or_else(|| malformed("its header is not base64url without padding"))?;
        let header: Header =
            serde_json::from_slice(&header).map_err(|_| malformed("its header is not a JOSE header in JSON"))?;
        let payload = decode(payload).ok_or_else(|| malformed("its claims are not base64url without padding"))?;
        let claims = claims::parse(&payload).map_err(|reason| malformed(&reason))?;
        decode(signature).ok_or_else(|| malformed("its signature is not base64url without padding"))?;
        Ok(Self { header, claims, message, signature })
    }
}

impl Header {
    /// Checks that this can be an access token.
    pub(super) fn check(&self) -> Result<(), TokenError> {
        let error = |reason| Err(TokenError::new(Check::Header, reason));
        if self.enc.is_some() {
            return error("token is encrypted, which is not accepted".to_owned());
        }
        // No extensions are supported (RFC 7515, section 4.1.11).
        if self.crit.is_some() {
            return error("token has critical header parameters (crit), which are not supported".to_owned());
        }
        let Some(typ) = &self.typ else { return Ok(()) };
        let name = typ.to_ascii_lowercase();
        if ACCESS_TOKEN_TYPES.contains(&name.trim_start_matches("application/")) {
            return Ok(());
        }
        error(format!("not an access token but of type {}", Quoted(typ)))
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}
