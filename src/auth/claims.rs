//! Checks the claims of a token whose signature is valid: its times, its purpose and its user.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{
    CurrentUser,
    check::{Check, Quoted, TokenError, Trail},
};
use crate::setting::{self, List, duration, list};

/// Maximum length of a user id, in bytes.
const MAX_USER_ID: usize = 255;
/// The last second of the year 9999. Later times are mistakes or overflow attempts.
const LATEST: u64 = 253_402_300_799;
/// The audience of Better Auth's session cookie cache, which it signs with the same keys.
const SESSION_CACHE_AUDIENCE: &str = "better-auth:session-cache";

pub(super) type Claims = Map<String, Value>;

/// Requirements for every token's claims, whatever key signed it.
#[derive(Args, Clone, Debug)]
pub struct ClaimRules {
    /// Claims that may contain the user id; the first one present is used
    #[arg(
        long = "jwt-user-id-claims",
        env = "JWT_USER_ID_CLAIMS",
        value_name = "NAMES",
        default_value = "sub,user_id,id,userId",
        value_parser = user_id_claims
    )]
    pub user_id_claims: List<String>,
    /// Maximum difference between this clock and the issuer's
    #[arg(
        long = "jwt-leeway",
        env = "JWT_LEEWAY",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = duration(Duration::ZERO..=Duration::from_mins(10))
    )]
    pub leeway: Duration,
}

impl Default for ClaimRules {
    fn default() -> Self {
        setting::defaults()
    }
}

fn user_id_claims(text: &str) -> Result<List<String>, String> {
    let names = list(|name| {
        let folded = name.to_ascii_lowercase().replace(['-', '_'], "");
        // Whoever gets the address next would get the tasks too.
        if folded.contains("email") {
            return Err(format!("an e-mail address changes hands, so it can't be a user id, got `{name}`"));
        }
        Ok(name.to_owned())
    })(text)?;
    if names.is_empty() { Err("must name at least one claim".to_owned()) } else { Ok(names) }
}

impl ClaimRules {
    /// Returns the user, and when the token expires.
    pub(super) fn check(&self, claims: &Claims, trail: &mut Trail) -> Result<(CurrentUser, SystemTime), TokenError> {
        let expires = self.check_times(claims).map_err(|reason| TokenError::new(Check::Times, reason))?;
        trail.passed(Check::Times, || format!("valid now, until {}", humantime::format_rfc3339_seconds(expires)));
        check_purpose(claims).map_err(|reason| TokenError::new(Check::Purpose, reason))?;
        trail.passed(Check::Purpose, || "not a session cookie cache or an e-mail verification token".to_owned());
        let user = self.user(claims).map_err(|reason| TokenError::new(Check::User, reason))?;
        trail.passed(Check::User, || format!("{}", Quoted(user.id())));
        Ok((user, expires))
    }

    fn check_times(&self, claims: &Claims) -> Result<SystemTime, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| "the server's clock is wrong")?.as_secs();
        let leeway = self.leeway.as_secs();
        let expires = seconds(claims, "exp")?.ok_or("token has no exp claim")?;
        if expires.saturating_add(leeway) <= now {
            let ago = humantime::format_duration(Duration::from_secs(now.saturating_sub(expires)));
            return Err(format!("token expired {ago} ago"));
        }
        for claim in ["nbf", "iat"] {
            if seconds(claims, claim)?.is_some_and(|time| time > now.saturating_add(leeway)) {
                return Err(format!("token not valid yet: {claim} is in the future"));
            }
        }
        Ok(UNIX_EPOCH + Duration::from_secs(expires))
    }

    fn user(&self, claims: &Claims) -> Result<CurrentUser, String> {
        let (name, value) =
            self.user_id_claims.iter().find_map(|name| claims.get(name).map(|value| (name, value))).ok_or_else(
                || format!("token has no user id: none of the claims {}", self.user_id_claims.join(", ")),
            )?;
        let id = value.as_str().ok_or_else(|| format!("claim {name} is not a string"))?;
        check_user_id(id).map_err(|violation| format!("claim {name} {violation}"))?;
        Ok(CurrentUser { id: id.into() })
    }
}

/// A user id has 1 to [`MAX_USER_ID`] bytes and no control characters.
pub(super) fn check_user_id(id: &str) -> Result<(), String> {
    match id {
        "" => Err("is empty".to_owned()),
        _ if id.len() > MAX_USER_ID => Err(format!("is longer than {MAX_USER_ID} bytes")),
        _ if id.chars().any(char::is_control) => Err("contains control characters".to_owned()),
        _ => Ok(()),
    }
}

/// Better Auth signs other tokens with the same keys. They name a user too, but are not access tokens.
fn check_purpose(claims: &Claims) -> Result<(), String> {
    let is_session_cache = claims.contains_key("session") && claims.contains_key("updatedAt")
        || audiences(claims).any(|audience| audience == SESSION_CACHE_AUDIENCE);
    if is_session_cache {
        return Err("not an access token but a session cookie cache".to_owned());
    }
    if claims.contains_key("updateTo") {
        return Err("not an access token but an e-mail verification token".to_owned());
    }
    Ok(())
}

/// The `aud` claim: a string or a list of strings.
pub(super) fn audiences(claims: &Claims) -> impl Iterator<Item = &str> {
    let audience = claims.get("aud");
    let one = audience.and_then(Value::as_str);
    let many = audience.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many)
}

/// A time claim in whole seconds since 1970. RFC 7519 allows fractions; they are truncated.
fn seconds(claims: &Claims, name: &str) -> Result<Option<u64>, String> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let truncated = |seconds| Duration::try_from_secs_f64(seconds).ok().map(|duration| duration.as_secs());
    let whole = value.as_u64().or_else(|| value.as_f64().and_then(truncated));
    whole.filter(|time| *time <= LATEST).map(Some).ok_or_else(|| format!("claim {name} is not a time in seconds"))
}

/// Parses the claims. The error is the end of a sentence, "token is not a well-formed JWT: …".
pub(super) fn parse(payload: &[u8]) -> Result<Claims, String> {
    let claims = serde_json::from_slice::<Unique>(payload);
    claims.map(|unique| unique.0).map_err(|error| match error.classify() {
        serde_json::error::Category::Data if error.to_string().starts_with(REPEATED) => {
            "one of its claims is repeated".to_owned()
        }
        _ => "its claims are not a JSON object".to_owned(),
    })
}

/// The start of the error about a repeated claim.
const REPEATED: &str = "repeated claim";

/// Claims without duplicate names. JSON parsers differ in which of two values they take, so two services could see
/// different users in the same token (RFC 7519, section 4).
struct Unique(Claims);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unique, A::Error> {
                let mut claims = Claims::new();
                while let Some((name, value)) = entries.next_entry()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom(REPEATED));
                    }
                }
                Ok(Unique(claims))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
