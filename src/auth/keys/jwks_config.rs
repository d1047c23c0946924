//! The settings of key sets: where an issuer publishes its keys, and what its tokens must contain.

use std::time::Duration;

use clap::Args;
use jsonwebtoken::Algorithm;
use url::{Host, Url};

use super::key_set::PUBLIC_KEY_ALGORITHMS;
use crate::setting::{self, DAY, SECOND, duration};

/// The path of Better Auth's routes if its base URL has none.
const BETTER_AUTH_PATH: &str = "/api/auth";
/// Suffixes of host names that only private networks resolve, like names without a dot.
const PRIVATE_SUFFIXES: [&str; 4] = [".internal", ".local", ".localhost", ".home.arpa"];

/// An issuer's key set, and the requirements for its tokens.
#[derive(Clone, Debug)]
pub struct JwksConfig {
    /// Where it is published.
    pub url: Url,
    /// The required `iss` claim; `None` accepts any.
    pub issuer: Option<String>,
    /// The required `aud` claim; `None` accepts any.
    pub audience: Option<String>,
    /// The accepted algorithms.
    pub algorithms: Vec<Algorithm>,
    /// When it is fetched.
    pub timing: Timing,
}

/// When key sets are fetched.
#[derive(Args, Clone, Debug)]
pub struct Timing {
    /// How often key sets are fetched. After an issuer withdraws a key, it stays accepted for up to this long
    #[arg(
        long = "jwks-refresh",
        env = "JWKS_REFRESH",
        value_name = "DURATION",
        default_value = "10m",
        value_parser = duration(SECOND..=DAY)
    )]
    pub refresh: Duration,
    /// Pause between background fetches while they fail.
    #[arg(skip = Duration::from_secs(30))]
    pub retry: Duration,
    /// Pause between fetches for unknown key ids, unless the last one found a new key.
    #[arg(skip = Duration::from_secs(30))]
    pub cooldown: Duration,
    /// Maximum time for one fetch.
    #[arg(skip = Duration::from_secs(3))]
    pub timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        setting::defaults()
    }
}

/// A key set as in `JWKS_URL`: `https://issuer/jwks#iss=…&aud=…&alg=…`.
#[derive(Clone, Debug)]
pub struct JwksUrl {
    /// Where it is published, without the fragment.
    pub url: Url,
    /// `iss` in the fragment; if empty, any is accepted.
    issuer: Option<String>,
    /// `aud` in the fragment; if empty, any is accepted.
    audience: Option<String>,
    algorithms: Vec<Algorithm>,
}

impl JwksUrl {
    /// Parses one URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut url = key_set_url(text)?;
        let fragment = url.fragment().unwrap_or_default().to_owned();
        url.set_fragment(None);
        let mut named = Self { url, issuer: None, audience: None, algorithms: Vec::new() };
        for (name, value) in url::form_urlencoded::parse(fragment.as_bytes()) {
            match &*name {
                "iss" => named.issuer = Some(value.into_owned()),
                "aud" => named.audience = Some(value.into_owned()),
                "alg" => named.algorithms.push(algorithm(&value)?),
                _ => return Err(format!("after the # only iss, aud and alg are allowed, got `{name}` in `{text}`")),
            }
        }
        if named.algorithms.is_empty() {
            named.algorithms = PUBLIC_KEY_ALGORITHMS.into();
        }
        Ok(named)
    }

    /// Adds the requirements that the URL doesn't have.
    #[must_use]
    pub fn config(&self, issuer: Option<&str>, audience: Option<&str>, timing: &Timing) -> JwksConfig {
        let or = |own: &Option<String>, default: Option<&str>| {
            own.as_deref().or(default).filter(|claim| !claim.is_empty()).map(ToOwned::to_owned)
        };
        JwksConfig {
            url: self.url.clone(),
            issuer: or(&self.issuer, issuer),
            audience: or(&self.audience, audience),
            algorithms: self.algorithms.clone(),
            timing: timing.clone(),
        }
    }

    /// Whether responses can't be tampered with on the network.
    #[must_use]
    pub fn is_trustworthy(url: &Url) -> bool {
        url.scheme() == "https" || is_loopback(url)
    }
}

/// A Better Auth server, as in its own setting `BETTER_AUTH_URL`.
#[derive(Clone, Debug)]
pub struct BetterAuth {
    /// Its key set.
    pub jwks: JwksUrl,
    /// The issuer and audience of its tokens, unless its `jwt` plugin is configured otherwise.
    pub origin: String,
}

impl BetterAuth {
    /// Parses the base URL. As in Better Auth, a path replaces the default one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = key_set_url(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("must be a URL without ? and #, got `{text}`"));
        }
        let origin = url.origin().ascii_serialization();
        let path = Some(url.path().trim_end_matches('/')).filter(|path| !path.is_empty()).unwrap_or(BETTER_AUTH_PATH);
        Ok(Self { jwks: JwksUrl::parse(&format!("{origin}{path}/jwks"))?, origin })
    }
}

/// Keys fetched over plain HTTP could be replaced on the way. On private networks, operators may accept that
/// (`JWKS_ALLOW_HTTP`).
fn key_set_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("must be a URL ({error}), got `{text}`"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must be a URL without a user name and a password".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) || is_private(&url) => Ok(url),
        _ => Err(format!("must start with https://, got `{text}`")),
    }
}

/// Whether the host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the host is certainly not public.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => !name.contains('.') || PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)),
        Some(Host::Ipv4(address)) => address.is_private() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
        None => false,
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let known = PUBLIC_KEY_ALGORITHMS.into_iter().find(|algorithm| format!("{algorithm:?}") == name);
    known.ok_or_else(|| format!("alg must be EdDSA, ES256, RS256 or PS256, got `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_auths_base_url_gives_the_key_set_and_the_origin() {
        for (base, jwks, origin) in [
            ("https://a.example", "https://a.example/api/auth/jwks", "https://a.example"),
            ("https://a.example:8443/", "https://a.example:8443/api/auth/jwks", "https://a.example:8443"),
            ("https://A.example/auth/", "https://a.example/auth/jwks", "https://a.example"),
            ("http://localhost:3000", "http://localhost:3000/api/auth/jwks", "http://localhost:3000"),
        ] {
            let better_auth = BetterAuth::parse(base).unwrap();
            assert_eq!((better_auth.jwks.url.as_str(), better_auth.origin.as_str()), (jwks, origin));
        }
    }

    #[test]
    fn keys_are_fetched_over_https_or_from_this_machine() {
        for (url, is_trustworthy) in [
            ("https://a.example/jwks", true),
            ("http://127.0.0.1:1/jwks", true),
            ("http://[::1]/jwks", true),
            ("http://localhost/", true),
            ("http://auth:3000/jwks", false),
            ("http://192.168.0.1/jwks", false),
            ("http://a.internal/jwks", false),
        ] {
            let url = JwksUrl::parse(url).unwrap().url;
            assert_eq!(JwksUrl::is_trustworthy(&url), is_trustworthy, "{url}");
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
            let error = JwksUrl::parse(url).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_fragment_has_the_requirements_for_tokens() {
        let parse = |text| {
            let named = JwksUrl::parse(text).unwrap();
            named.config(Some("default"), Some("default"), &Timing::default())
        };
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
            assert!(JwksUrl::parse(&text).is_err(), "{fragment}");
        }
    }
}
