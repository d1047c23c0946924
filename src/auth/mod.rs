//! Authentication: turns a bearer token into a [`CurrentUser`]. Nothing else makes one.
//!
//! No other code can make a `CurrentUser`, and so none can make a handle on a user's tasks:
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
mod session;
mod token;
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
    session::Session,
    verifier::Verifier,
};

/// The user of a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    id: Arc<str>,
}

impl CurrentUser {
    /// The user id: 1 to 255 bytes without control characters.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The user id, without copying it.
    pub(crate) fn shared_id(&self) -> &Arc<str> {
        &self.id
    }
}
