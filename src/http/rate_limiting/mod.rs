//! How much a user and an address may ask for. Users pay by what their requests cost, addresses by their number; tokens
//! that are refused are counted apart.

mod client_address;
mod headers;
mod limiter;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{extract::ConnectInfo, http::Extensions, http::HeaderMap};
use tokio::time::sleep;

pub use self::client_address::TrustedProxies;
pub(crate) use self::client_address::client_key;
pub(crate) use self::headers::{RATE_LIMIT_HEADERS, RETRY_SOON, admit, charge_refused_token, retry_after};
use self::limiter::Limiter;
use crate::{
    auth::CurrentUser,
    error::{Error, RateLimited, Result},
    telemetry::{self, Limit},
};

/// What a REST request costs, and a root field of a GraphQL request.
pub const REQUEST_COST: u32 = 10;

/// What an event of a stream costs, besides its values: less than to ask for it.
const EVENT_COST: u32 = 1;
/// Field values of a response that cost one point.
const VALUES_PER_POINT: usize = 100;

/// What the field values of a response cost.
pub(crate) fn values_cost(values: usize) -> u32 {
    u32::try_from(values / VALUES_PER_POINT).unwrap_or(u32::MAX)
}

/// What a change to many tasks costs besides: a point for each.
pub(crate) fn change_cost(tasks: usize) -> u32 {
    u32::try_from(tasks).unwrap_or(u32::MAX)
}

/// How much is allowed per minute, which is also the largest burst; 0 means unlimited.
#[derive(Clone, Debug, Default)]
pub struct Quotas {
    /// Points of one user.
    pub user: u32,
    /// Requests of one address, and messages on its WebSockets.
    pub address: u32,
    /// Refused tokens of one address.
    pub refused_tokens: u32,
}

/// Limits users and addresses. By default nobody is limited. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RateLimits(Arc<Limiters>);

#[derive(Debug, Default)]
struct Limiters {
    users: Option<Limiter<Arc<str>>>,
    addresses: Option<Limiter<IpAddr>>,
    refused_tokens: Option<Limiter<IpAddr>>,
    proxies: TrustedProxies,
    has_warned: AtomicBool,
}

impl RateLimits {
    /// With these quotas; `proxies` may say which addresses they speak for.
    #[must_use]
    pub fn new(quotas: &Quotas, proxies: TrustedProxies) -> Self {
        Self(Arc::new(Limiters {
            users: Limiter::per_minute(quotas.user),
            addresses: Limiter::per_minute(quotas.address),
            refused_tokens: Limiter::per_minute(quotas.refused_tokens),
            proxies,
            has_warned: AtomicBool::new(false),
        }))
    }

    /// Takes what a request costs from its user's quota.
    pub(crate) fn charge(&self, user: &CurrentUser, cost: u32) -> Result<()> {
        let Some(users) = &self.0.users else { return Ok(()) };
        users.take(user.shared_id(), cost).map_err(|limited| refused(Limit::User, limited))
    }

    /// Takes the rest of what a request costs, of which `charged` was taken before.
    pub(crate) fn charge_rest(&self, user: &CurrentUser, cost: u32, charged: u32) -> Result<()> {
        let Some(users) = &self.0.users else { return Ok(()) };
        users.take_rest(user.shared_id(), cost, charged).map_err(|limited| refused(Limit::User, limited))
    }

    /// Takes what an event of a stream costs, once there are so many points: until then, the stream lags.
    pub(crate) async fn charge_event(&self, user: &CurrentUser, values: usize) {
        let Some(users) = &self.0.users else { return };
        let cost = EVENT_COST.saturating_add(values_cost(values));
        if let Err(limited) = users.take(user.shared_id(), cost) {
            telemetry::limit_hit(Limit::User);
            sleep(limited.wait).await;
            while let Err(limited) = users.take(user.shared_id(), cost) {
                sleep(limited.wait).await;
            }
        }
    }

    /// The client that is limited; `None` if addresses aren't limited.
    pub(crate) fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Client> {
        if self.0.addresses.is_none() && self.0.refused_tokens.is_none() {
            return None;
        }
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        let is_unnamed_proxy = self.0.proxies.ignores(peer.ip(), headers);
        if is_unnamed_proxy && !self.0.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(peer = %peer.ip(), "X-Forwarded-For is ignored: if this peer is a proxy, name it in TRUSTED_PROXIES, or all of its clients count as one address, and refused tokens are not limited");
        }
        let address = client_key(self.0.proxies.client(peer.ip(), headers));
        Some(Client { limits: Arc::clone(&self.0), address, is_unnamed_proxy })
    }
}

/// One address, as far as it is limited. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    limits: Arc<Limiters>,
    address: IpAddr,
    /// Whether many users may stand behind the address: one of them must not lock the others out with bad tokens.
    is_unnamed_proxy: bool,
}

impl Client {
    /// Counts a request or a message.
    pub(crate) fn charge(&self) -> Result<()> {
        let taken = self.limits.addresses.as_ref().map(|limiter| limiter.take(&self.address, 1));
        taken.unwrap_or(Ok(())).map_err(|limited| refused(Limit::Address, limited))
    }

    /// Counts a token that was refused.
    pub(crate) fn charge_refused_token(&self) {
        if let Some(limiter) = self.refused_tokens() {
            // More than the quota is no worse: what comes next isn't even looked at.
            let _ = limiter.take(&self.address, 1);
        }
    }

    /// Fails if too many tokens were refused lately to look at another one.
    pub(crate) fn check_refused_tokens(&self) -> Result<()> {
        let checked = self.refused_tokens().map_or(Ok(()), |limiter| limiter.check(&self.address));
        checked.map_err(|limited| refused(Limit::RefusedTokens, limited))
    }

    fn refused_tokens(&self) -> Option<&Limiter<IpAddr>> {
        self.limits.refused_tokens.as_ref().filter(|_| !self.is_unnamed_proxy)
    }
}

fn refused(limit: Limit, limited: RateLimited) -> Error {
    telemetry::limit_hit(limit);
    Error::rate_limited(limited)
}
