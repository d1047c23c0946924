//! The keys that verify tokens: shared secrets, and key sets published by issuers.

pub(super) mod jwks;
mod jwks_config;
pub(super) mod key_set;
pub(super) mod source;

pub(crate) use self::jwks_config::is_loopback;
pub use self::{
    jwks_config::{BetterAuth, JwksConfig, JwksUrl, Timing},
    source::{KeySource, parse_versioned_secrets},
};
