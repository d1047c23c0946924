//! Authentication: turns a bearer token into a [`CurrentUser`].
//!
//! No other code can create a `CurrentUser`, nor therefore a handle to a user's tasks:
//!
//! ```compile_fail,E0451
//! let user = tandem::auth::CurrentUser { id: "somebody".into() };
//! ```

mod cache;
mod challenge;
mod check;
mod claims;
mod dev_secret;
mod keys;
mod mint;
mod token;
mod verified_token;
mod verifier;

use std::sync::Arc;

pub(crate) use self::keys::is_loopback;
pub use self::{
    challenge::{challenge, is_token_refused},
    check::{Check, Finding},
    claims::ClaimRules,
    dev_secret::dev_secret,
    keys::{BetterAuth, JwksConfig, JwksUrl, KeySource, Timing, parse_versioned_secrets},
    mint::{NewToken, mint},
    verified_token::VerifiedToken,
    verifier::Verifier,
};

/// The user of a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    id: Arc<str>,
}

impl CurrentUser {
    /// The user whom an operator names on the command line. Requests must not get here: only `cli` and `moving` call it.
    pub(crate) fn named_by_operator(id: &str) -> Result<Self, String> {
        claims::check_user_id(id).map(|()| Self { id: id.into() })
    }

    /// The user id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The user id, for sharing without a copy.
    pub(crate) fn shared_id(&self) -> &Arc<str> {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    fn sources(folder: &Path) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(sources(&path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
        found
    }

    #[test]
    fn only_commands_speak_for_users_without_a_token() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let callers = sources(&src).into_iter().filter(|(_, text)| text.contains("CurrentUser::named_by_operator("));
        let callers: Vec<_> = callers.map(|(path, _)| path).filter(|path| !path.ends_with("auth/mod.rs")).collect();
        let is_command = |path: &String| path.contains("/src/cli/") || path.contains("/src/moving/");
        assert!(!callers.is_empty() && callers.iter().all(is_command), "{callers:?}");
    }
}
