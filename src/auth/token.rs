//! A token taken apart, before anything it says is believed.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    check::{Check, Quoted, TokenError},
    claims::{self, Claims},
};

/// Longer tokens are refused before they are looked at.
pub(super) const MAX_TOKEN: usize = 8 * 1024;
/// The types of a JWT that is an access token. Better Auth's own have none.
const ACCESS_TOKEN_TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// The parts of a JWS in its compact form. What it says is not to be trusted until a key has verified it.
pub(super) struct Token<'a> {
    pub(super) header: Header,
    pub(super) claims: Claims,
    /// What the signature was made over.
    pub(super) message: &'a str,
    /// The signature, in base64.
    pub(super) signature: &'a str,
}

/// The header, as far as it matters here. Keys that a token brings along (`jwk`, `jku`, `x5u`, `x5c`) don't: they
/// aren't even read.
#[derive(Deserialize)]
pub(super) struct Header {
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
            5 => malformed("it has 5 parts, as encrypted ones have, which are not accepted"),
            _ => malformed(&format!("it has {count} parts, not 3")),
        })?;
        let (header, payload) = message.split_once('.').unwrap_or_default();
        let header = decode(header).ok_or_else(|| malformed("its header is not base64url without padding"))?;
        let header: Header =
            serde_json::from_slice(&header).map_err(|_| malformed("its header is not a JOSE header in JSON"))?;
        let payload = decode(payload).ok_or_else(|| malformed("its claims are not base64url without padding"))?;
        let claims = claims::parse(&payload).map_err(|fault| malformed(&fault))?;
        decode(signature).ok_or_else(|| malformed("its signature is not base64url without padding"))?;
        Ok(Self { header, claims, message, signature })
    }
}

impl Header {
    /// Whether this may be an access token at all.
    pub(super) fn check(&self) -> Result<(), TokenError> {
        let refuse = |reason| Err(TokenError::new(Check::Header, reason));
        if self.enc.is_some() {
            return refuse("token is encrypted, which is not accepted".to_owned());
        }
        // None of the extensions that may be critical is understood here (RFC 7515, section 4.1.11).
        if self.crit.is_some() {
            return refuse("token has critical header parameters (crit), which are not understood".to_owned());
        }
        let Some(typ) = &self.typ else { return Ok(()) };
        let name = typ.to_ascii_lowercase();
        if ACCESS_TOKEN_TYPES.contains(&name.trim_start_matches("application/")) {
            return Ok(());
        }
        refuse(format!("not an access token by its type {}", Quoted(typ)))
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}
