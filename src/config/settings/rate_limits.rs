//! Settings of the rate limits.

use clap::Args;

use crate::{
    http::rate_limiting::{Quotas, RateLimits, TrustedProxies},
    setting::{number, switch},
};

/// Settings of the rate limits.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rate limits")]
pub struct RateLimitSettings {
    /// Enable the rate limits of users and IP addresses [default: `true`, or `false` in development mode]
    #[arg(long, env, value_name = "true|false", value_parser = switch)]
    pub rate_limits: Option<bool>,
    /// Points that a user may spend per minute, even all at once: a REST request costs 10; a GraphQL request costs 10 for each
    /// root field and 1 for every 100 field values in its response; an event of a stream costs 1 instead of 10; a bulk change
    /// costs 1 more for each task; 0 means no limit
    #[arg(long, env, value_name = "NUMBER", default_value = "30000", value_parser = number(0..=1_000_000_000_u32))]
    pub rate_limit_per_user: u32,
    /// Requests, and messages on WebSockets, that an IP address may send per minute, even all at once; 0 means no limit
    #[arg(long, env, value_name = "NUMBER", default_value = "12000", value_parser = number(0..=1_000_000_000_u32))]
    pub rate_limit_per_address: u32,
    /// Refused tokens that an IP address may send per minute; above it, tokens that weren't verified before are refused without
    /// being checked; doesn't apply to proxies that `TRUSTED_PROXIES` lacks; 0 means no limit
    #[arg(long, env, value_name = "NUMBER", default_value = "120", value_parser = number(0..=1_000_000_000_u32))]
    pub rate_limit_refused_tokens: u32,
    /// Addresses and networks of proxies, separated by commas, whose `X-Forwarded-For` or `Forwarded` is trusted. A request
    /// without that header counts for the proxy's own address [default: none]
    #[arg(long, env, value_name = "NETWORKS", value_parser = str::parse::<TrustedProxies>)]
    pub trusted_proxies: Option<TrustedProxies>,
}

impl RateLimitSettings {
    /// Builds the rate limits; none if they are off.
    #[must_use]
    pub fn limits(&self, is_development: bool) -> RateLimits {
        if !self.rate_limits.unwrap_or(!is_development) {
            return RateLimits::default();
        }
        let quotas = Quotas {
            user: self.rate_limit_per_user,
            address: self.rate_limit_per_address,
            refused_tokens: self.rate_limit_refused_tokens,
        };
        RateLimits::new(&quotas, self.trusted_proxies.clone().unwrap_or_default())
    }
}
