//! Where an issuer publishes its keys, and what its tokens must say: the settings `JWKS_URL` and `BETTER_AUTH_URL`.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use url::{Host, Url};

use super::key_set::PUBLIC_KEY_ALGORITHMS;

/// Where Better Auth has its routes when its base URL has no path.
const BETTER_AUTH_PATH: &str = "/api/auth";

/// One issuer's key set.
#[derive(Clone, Debug)]
pub struct JwksConfig {
    /// Where it is, without a fragment.
    pub url: Url,
    /// The `iss` claim its tokens must have.
    pub issuer: Option<String>,
    /// The `aud` claim its tokens must have.
    pub audience: Option<String>,
    /// The algorithms that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// How often it is asked.
    pub timing: Timing,
}

/// How often an issuer is asked for its keys.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Between two fetches in the background.
    pub refresh: Duration,
    /// Between two fetches in the background while the issuer doesn't answer.
    pub retry: Duration,
    /// Between two fetches because of an unknown key id, if the first one found no new key.
    pub cooldown: Duration,
    /// How long one fetch may take.
    pub timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            refresh: Duration::from_mins(10),
            retry: Duration::from_secs(30),
            cooldown: Duration::from_secs(30),
            timeout: Duration::from_secs(3),
        }
    }
}

impl JwksConfig {
    /// Reads `https://issuer/jwks#iss=…&aud=…&alg=…`. Without an `iss` or `aud` there, the one given here is asked for;
    /// an empty one asks for nothing.
    pub fn parse(text: &str, issuer: Option<&str>, audience: Option<&str>) -> Result<Self, String> {
        let mut url = key_set_url(text)?;
        let fragment = url.fragment().unwrap_or_default().to_owned();
        url.set_fragment(None);
        let mut config = Self {
            url,
            issuer: issuer.map(Into::into),
            audience: audience.map(Into::into),
            algorithms: Vec::new(),
            timing: Timing::default(),
        };
        for (name, value) in url::form_urlencoded::parse(fragment.as_bytes()) {
            let claim = || (!value.is_empty()).then(|| value.to_string());
            match &*name {
                "iss" => config.issuer = claim(),
                "aud" => config.audience = claim(),
                "alg" => config.algorithms.push(algorithm(&value)?),
                _ => return Err(format!("`{name}` after the # is none of iss, aud and alg, in `{text}`")),
            }
        }
        if config.algorithms.is_empty() {
            config.algorithms = PUBLIC_KEY_ALGORITHMS.into();
        }
        Ok(config)
    }
}

/// A Better Auth server, as its own setting `BETTER_AUTH_URL` names it.
#[derive(Clone, Debug)]
pub struct BetterAuth {
    /// Where its keys are.
    pub jwks_url: String,
    /// The issuer and audience of its tokens, unless its `jwt` plugin is told otherwise.
    pub origin: String,
}

impl BetterAuth {
    /// Reads its base URL. As Better Auth has it, a path there replaces its usual one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = key_set_url(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("must be a URL without ? and #, in `{text}`"));
        }
        let origin = url.origin().ascii_serialization();
        let path = Some(url.path().trim_end_matches('/')).filter(|path| !path.is_empty()).unwrap_or(BETTER_AUTH_PATH);
        Ok(Self { jwks_url: format!("{origin}{path}/jwks"), origin })
    }
}

/// Keys that came over a connection others can change would be anybody's keys.
fn key_set_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}, in `{text}`"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must be a URL without a user name and a password".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(format!("must start with https:// (http:// only for this machine), in `{text}`")),
    }
}

/// Whether the URL can only be this machine's.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let known = PUBLIC_KEY_ALGORITHMS.into_iter().find(|algorithm| format!("{algorithm:?}") == name);
    known.ok_or_else(|| format!("`{name}` is none of the algorithms EdDSA, ES256, RS256 and PS256"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_auths_base_url_says_where_its_keys_are_and_who_it_is() {
        for (base, jwks, origin) in [
            ("https://a.example", "https://a.example/api/auth/jwks", "https://a.example"),
            ("https://a.example:8443/", "https://a.example:8443/api/auth/jwks", "https://a.example:8443"),
            ("https://A.example/auth/", "https://a.example/auth/jwks", "https://a.example"),
            ("http://localhost:3000", "http://localhost:3000/api/auth/jwks", "http://localhost:3000"),
        ] {
            let better_auth = BetterAuth::parse(base).unwrap();
            assert_eq!((better_auth.jwks_url.as_str(), better_auth.origin.as_str()), (jwks, origin));
        }
    }

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for url in ["https://a.example/jwks", "http://127.0.0.1:1/jwks", "http://[::1]/jwks", "http://localhost/"] {
            assert!(JwksConfig::parse(url, None, None).is_ok(), "{url}");
        }
        for url in [
            "http://a.example/jwks",
            "http://localhost.a.example/",
            "ftp://localhost/",
            "file:///etc/passwd",
            "data:,{}",
            "jwks",
            "",
            "https://user:hunter2@a.example/",
        ] {
            let error = JwksConfig::parse(url, None, None).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_fragment_says_what_tokens_of_this_source_must_say() {
        let parse = |text| JwksConfig::parse(text, Some("default"), Some("default")).unwrap();
        let config = parse("https://a.example/jwks#iss=https%3A%2F%2Fa.example&alg=EdDSA&alg=ES256");
        assert_eq!(config.url.as_str(), "https://a.example/jwks");
        assert_eq!(
            (config.issuer.as_deref(), config.audience.as_deref()),
            (Some("https://a.example"), Some("default"))
        );
        assert_eq!(config.algorithms, [Algorithm::EdDSA, Algorithm::ES256]);
        let config = parse("https://a.example/jwks#iss=https://a.example/x&aud=");
        assert_eq!((config.issuer.as_deref(), config.audience.as_deref()), (Some("https://a.example/x"), None));
        assert_eq!(config.algorithms, PUBLIC_KEY_ALGORITHMS);
        for fragment in ["alg=HS256", "alg=none", "alg=ES512", "audience=x"] {
            let text = format!("https://a.example/jwks#{fragment}");
            assert!(JwksConfig::parse(&text, None, None).is_err(), "{fragment}");
        }
    }
}
