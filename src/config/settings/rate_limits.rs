//! How much users and addresses may ask for.

use clap::Args;

use crate::{
    http::rate_limiting::{Quotas, RateLimits, TrustedProxies},
    setting::{number, switch},
};

/// Settings of the rate limits.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rate limits")]
pub struct RateLimitSettings {
    /// Limit how much users and addresses may ask for [default: not in development mode]
    #[arg(long, env, value_name = "true|false", value_parser = switch)]
    pub rate_limits: Option<bool>,
    /// Points that a user may spend in a minute, all at once if need be: a request costs 10, a GraphQL request
    /// 10 for each root field and 1 for each 100 field values of its answer, a change to many tasks 1 more for each; 0 sets
    /// no limit
    #[arg(long, env, value_name = "NUMBER", default_value = "30000", value_parser = number(0..=1_000_000_000_u32))]
    pub rate_limit_per_user: u32,
    /// Requests that an IP address may send in a minute, all at once if need be; 0 sets no limit
    #[arg(long, env, value_name = "NUMBER", default_value = "12000", value_parser = number(0..=1_000_000_000_u32))]
    pub rate_limit_per_address: u32,
    /// Refused tokens that an IP address may send in a minute before others that are not known yet are refused unread; not
    /// counted for proxies that `TRUSTED_PROXIES` doesn't name; 0 sets no limit
    #[arg(long, env, value_name = "NUMBER", default_value = "120", value_parser = number(0..=1_000_000_000_u32))]
    pub rate_limit_refused_tokens: u32,
    /// Proxies that may say whom they speak for, in X-Forwarded-For or Forwarded: addresses and networks, separated by
    /// commas. A request of which they don't say it counts for their own address [default: none]
    #[arg(long, env, value_name = "NETWORKS", value_parser = str::parse::<TrustedProxies>)]
    pub trusted_proxies: Option<TrustedProxies>,
}

impl RateLimitSettings {
    /// The limits, if there are any.
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
