//! Reads settings and keeps count of what is wrong with them, so that all of it can be told at once.

use std::{fmt::Display, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use axum::http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::Settings;
use crate::{
    auth::{BetterAuth, JwksConfig, parse_versioned_secrets},
    graphql::Trusted,
};

pub(super) fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(Into::into).collect()
}

/// What is wrong with the settings, a line each.
#[derive(Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    pub(super) fn take<T>(&mut self, name: &str, result: Result<T, impl Display>) -> Option<T> {
        result.map_err(|error| self.0.push(format!("{name}: {error}"))).ok()
    }

    pub(super) fn parse<T: FromStr<Err: Display>>(&mut self, name: &str, text: &str) -> Option<T> {
        let parsed = text.trim().parse();
        self.take(name, parsed.map_err(|error: T::Err| format!("{error}, in `{text}`")))
    }

    pub(super) fn positive<T: FromStr<Err: Display> + Default + PartialEq>(&mut self, name: &str, text: &str) -> T {
        let number = self.parse(name, text);
        if number.as_ref().is_some_and(|number| *number == T::default()) {
            self.0.push(format!("{name}: must be at least 1"));
        }
        number.unwrap_or_default()
    }

    pub(super) fn at_most(&mut self, most: usize, name: &str, text: &str) -> usize {
        let number = self.positive(name, text);
        if number > most {
            self.0.push(format!("{name}: must be at most {most}"));
        }
        number
    }

    pub(super) fn duration(&mut self, name: &str, text: &str) -> Duration {
        let duration = humantime::parse_duration(text)
            .map_err(|error| format!("{error}, in `{text}`; write it like 500ms or 10s"));
        self.take(name, duration).unwrap_or_default()
    }

    pub(super) fn flag(&mut self, name: &str, text: Option<&String>) -> Option<bool> {
        text.and_then(|text| self.parse(name, text))
    }

    pub(super) fn trusted(&mut self, file: Option<&PathBuf>, mode: &str) -> Option<Arc<Trusted>> {
        let mode = self.parse("GRAPHQL_TRUST_MODE", mode)?;
        let file = file?;
        let opened = Trusted::open(file, mode).map_err(|error| format!("{}: {error}", file.display()));
        self.take("GRAPHQL_TRUSTED_DOCUMENTS", opened).map(Arc::new)
    }

    pub(super) fn secrets(&mut self, one: Option<String>, versioned: Option<String>) -> Vec<SecretString> {
        let versioned = versioned.filter(|text| !text.is_empty());
        let versioned = versioned.and_then(|text| self.take("BETTER_AUTH_SECRETS", parse_versioned_secrets(&text)));
        let one = one.filter(|text| !text.is_empty()).map(SecretString::from);
        let secrets: Vec<_> = versioned.into_iter().flatten().chain(one).collect();
        // Shorter than the hash, an HS256 key can be guessed from any token (RFC 7518, section 3.2).
        if secrets.iter().any(|secret| secret.expose_secret().len() < MIN_SECRET) {
            self.0.push(format!("BETTER_AUTH_SECRET(S): a secret must have at least {MIN_SECRET} bytes"));
        }
        secrets
    }

    /// The key sets that are named, or the one Better Auth has.
    pub(super) fn jwks(&mut self, settings: &Settings) -> Vec<JwksConfig> {
        let refresh = self.duration("JWKS_REFRESH", &settings.jwks_refresh).max(MIN_REFRESH);
        let better_auth = settings.better_auth_url.as_deref().filter(|url| !url.is_empty());
        let better_auth = better_auth.and_then(|url| self.take("BETTER_AUTH_URL", BetterAuth::parse(url)));
        let origin = better_auth.as_ref().map(|server| server.origin.as_str());
        let issuer = settings.jwt_issuer.as_deref().or(origin);
        let audience = settings.jwt_audience.as_deref().or(origin);
        let named = settings.jwks_url.as_deref().map(words).filter(|urls| !urls.is_empty());
        let urls = named.or_else(|| better_auth.as_ref().map(|server| vec![server.jwks_url.clone()]));
        let parse = |url: &String| JwksConfig::parse(url, issuer, audience);
        let configs = urls.iter().flatten().filter_map(|url| self.take("JWKS_URL", parse(url)));
        let mut configs: Vec<_> = configs.collect();
        for config in &mut configs {
            config.timing.refresh = refresh;
        }
        configs
    }

    pub(super) fn origins(&mut self, text: &str) -> Vec<HeaderValue> {
        let origin = |word: &String| {
            let url = url::Url::parse(word).map_err(|error| format!("{error}, in `{word}`"))?;
            let origin = url.origin().ascii_serialization();
            if origin == "null" || origin != word.trim_end_matches('/').to_ascii_lowercase() {
                return Err(format!("`{word}` is not an origin like https://app.example.com"));
            }
            HeaderValue::from_str(&origin).map_err(|error| error.to_string())
        };
        words(text).iter().filter_map(|word| self.take("CORS_ORIGINS", origin(word))).collect()
    }

    pub(super) fn none_or<T>(self, value: T) -> Result<T, String> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0.join("\n")) }
    }
}

/// The fewest bytes of an HS256 secret.
const MIN_SECRET: usize = 16;
/// The least time between two fetches of a key set.
const MIN_REFRESH: Duration = Duration::from_secs(1);
