//! Settings of token verification.

use std::time::Duration;

use clap::{ArgAction, Args};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    auth::{BetterAuth, ClaimRules, JwksConfig, JwksUrl, KeySource, NewToken, Timing, parse_versioned_secrets},
    config::ConfigErrors,
    setting::{List, list, switch},
};

/// Minimum length of an HS256 secret in bytes, that of the hash (RFC 7518, section 3.2): a shorter one can be brute-forced from
/// any token.
const MIN_SECRET: usize = 32;
/// The same with `ALLOW_SHORT_SECRETS`.
const MIN_SHORT_SECRET: usize = 16;

/// Settings of tokens.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Tokens")]
pub struct TokenSettings {
    /// Secret for HS256 tokens, shared with Better Auth or another backend; at least 32 bytes
    #[arg(long, env, value_name = "SECRET", hide_env_values = true)]
    better_auth_secret: Option<SecretString>,
    /// Versioned secrets like `2:new,1:old`; tokens signed with any of them are accepted, and `tandem token` signs with the
    /// first
    #[arg(long, env, value_name = "SECRETS", hide_env_values = true, value_parser = parse_versioned_secrets)]
    better_auth_secrets: Option<List<SecretString>>,
    /// Accept secrets of 16 to 31 bytes. They can be brute-forced from any token, so use this only to phase out an old secret
    #[arg(long, env, value_name = "true|false", default_value = "false", action = ArgAction::Set, value_parser = switch)]
    allow_short_secrets: bool,
    /// Better Auth server whose tokens are accepted, like `https://app.example.com`. Keys are fetched from
    /// `/api/auth/jwks` there, or from `<path>/jwks` if the URL has a path
    #[arg(long, env, value_name = "URL", value_parser = BetterAuth::parse)]
    better_auth_url: Option<BetterAuth>,
    /// URLs of issuers' key sets, separated by commas, instead of Better Auth's. Requirements for an issuer's tokens can be
    /// added to its URL, like `#iss=https://a.example&aud=api&alg=EdDSA`
    #[arg(long, env, value_name = "URLS", value_parser = list(JwksUrl::parse))]
    jwks_url: Option<List<JwksUrl>>,
    /// Accept `http://` for key sets on private networks. Anyone who can tamper with that traffic can sign tokens
    #[arg(long, env, value_name = "true|false", default_value = "false", action = ArgAction::Set, value_parser = switch)]
    jwks_allow_http: bool,
    #[command(flatten)]
    timing: Timing,
    /// Required `iss` claim [default: the origin of `BETTER_AUTH_URL` for tokens signed with published keys, any for tokens
    /// signed with a secret]
    #[arg(long, env, value_name = "ISSUER")]
    jwt_issuer: Option<String>,
    /// Required `aud` claim, which may be one of several [default: like `JWT_ISSUER`]
    #[arg(long, env, value_name = "AUDIENCE")]
    jwt_audience: Option<String>,
    /// The claims of every token.
    #[command(flatten)]
    pub claim_rules: ClaimRules,
}

impl TokenSettings {
    pub(crate) fn check(&self, errors: &mut ConfigErrors) {
        self.check_secrets(errors);
        if !self.jwks_allow_http {
            self.check_urls(errors);
        }
    }

    fn check_secrets(&self, errors: &mut ConfigErrors) {
        let min = if self.allow_short_secrets { MIN_SHORT_SECRET } else { MIN_SECRET };
        let is_short = |secret: &SecretString| secret.expose_secret().len() < min;
        let reason = format!(
            "a secret must have at least {min} bytes. Generate one with `openssl rand -base64 32`. To phase out an old one \
             of at least {MIN_SHORT_SECRET} bytes, set ALLOW_SHORT_SECRETS=true"
        );
        if self.better_auth_secret.as_ref().is_some_and(is_short) {
            errors.push("BETTER_AUTH_SECRET", &reason);
        }
        if self.better_auth_secrets.iter().flatten().any(is_short) {
            errors.push("BETTER_AUTH_SECRETS", &reason);
        }
    }

    fn check_urls(&self, errors: &mut ConfigErrors) {
        let published = self.jwks_url.iter().flatten().map(|jwks| ("JWKS_URL", &jwks.url));
        let better_auth = self.better_auth_url.iter().map(|server| ("BETTER_AUTH_URL", &server.jwks.url));
        for (name, url) in published.chain(better_auth).filter(|(_, url)| !JwksUrl::is_trustworthy(url)) {
            let reason = format!(
                "must start with https://, got `{url}`. If only people you trust can reach that network, set \
                 JWKS_ALLOW_HTTP=true"
            );
            errors.push(name, reason);
        }
    }

    /// Whether no signer of tokens is configured.
    #[must_use]
    pub fn trusts_nobody(&self) -> bool {
        self.secrets().is_empty() && self.jwks().is_empty()
    }

    /// The HS256 secrets; the first one signs.
    #[must_use]
    pub fn secrets(&self) -> Vec<SecretString> {
        self.better_auth_secrets.iter().flatten().chain(&self.better_auth_secret).cloned().collect()
    }

    /// The key sets of issuers.
    #[must_use]
    pub fn jwks(&self) -> Vec<JwksConfig> {
        let better_auth = self.better_auth_url.as_ref();
        let origin = better_auth.map(|server| server.origin.as_str());
        let issuer = self.jwt_issuer.as_deref().or(origin);
        let audience = self.jwt_audience.as_deref().or(origin);
        let named = self.jwks_url.as_deref().filter(|urls| !urls.is_empty());
        let urls = named.unwrap_or_else(|| better_auth.map(|server| &server.jwks).map_or(&[], std::slice::from_ref));
        urls.iter().map(|url| url.config(issuer, audience, &self.timing)).collect()
    }

    /// The shared secrets and every issuer's key set.
    pub(crate) fn key_sources(&self) -> Result<Vec<KeySource>, String> {
        let secrets = self.secrets();
        let shared = (!secrets.is_empty()).then(|| self.shared(&secrets));
        let published = self.jwks().into_iter().map(|jwks| KeySource::jwks(jwks).map_err(|error| error.to_string()));
        shared.map(Ok).into_iter().chain(published).collect()
    }

    /// A source of these shared secrets.
    #[must_use]
    pub fn shared(&self, secrets: &[SecretString]) -> KeySource {
        KeySource::hs256(secrets).with_claims(self.jwt_issuer.clone(), self.jwt_audience.clone())
    }

    /// A token with the claims that this server requires.
    #[must_use]
    pub fn new_token<'a>(&'a self, user: &'a str, ttl: Duration) -> NewToken<'a> {
        NewToken { user, ttl, issuer: self.jwt_issuer.as_deref(), audience: self.jwt_audience.as_deref() }
    }

    /// Where the Better Auth server gives a token to the user of a session.
    #[must_use]
    pub fn session_url(&self) -> Option<Url> {
        let mut url = self.better_auth_url.as_ref()?.jwks.url.clone();
        let path = url.path().trim_end_matches("/jwks").to_owned() + "/token";
        url.set_path(&path);
        Some(url)
    }

    /// Warnings about settings that accept more tokens than they should.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let has_no_claims = self.jwt_issuer.is_none() && self.jwt_audience.is_none();
        let shared = (has_no_claims && !self.secrets().is_empty()).then(|| {
            "every token signed with the shared secret is accepted, whatever it was issued for: set JWT_ISSUER or \
             JWT_AUDIENCE"
                .to_owned()
        });
        let open = self.jwks().into_iter().filter(|jwks| jwks.audience.is_none()).map(|jwks| {
            format!(
                "tokens from {} are accepted whatever application they were issued for: set JWT_AUDIENCE, or `aud` in \
                 the URL",
                jwks.url
            )
        });
        open.chain(shared).collect()
    }
}
