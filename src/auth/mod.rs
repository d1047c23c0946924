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
