//! Rate limits per address, and the headers that tell a client about the limit it hit.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

use super::{Client, RateLimits};
use crate::{
    auth::{Verifier, is_token_refused},
    error::{Code, Error, Result},
    http::guard::is_probe,
};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// In how many seconds to try again what is unavailable: most causes pass that quickly.
pub(crate) const RETRY_SOON: HeaderValue = HeaderValue::from_static("1");

/// The headers of a response to a client that hit a limit.
pub(crate) const RATE_LIMIT_HEADERS: [HeaderName; 4] = [header::RETRY_AFTER, LIMIT, REMAINING, RESET];

/// The client of a request that is within the limits of its address; `None` if it isn't limited. Probes are not counted.
///
/// Tokens that are known to be good need no look, and are let in however many others were refused.
pub(crate) fn admit(request: &Request, limits: &RateLimits, verifier: &Verifier) -> Result<Option<Client>> {
    let headers = request.headers();
    let client = limits.client(request.extensions(), headers);
    let Some(client) = client.filter(|_| !is_probe(request.uri().path())) else { return Ok(None) };
    client.charge()?;
    match client.check_refused_tokens() {
        Err(limited) if headers.contains_key(header::AUTHORIZATION) && !verifier.remembers(headers) => Err(limited),
        _ => Ok(Some(client)),
    }
}

/// Counts the token that this response refused, if its client is limited.
pub(crate) fn charge_refused_token(client: Option<&Client>, response: &Response) {
    if let Some(client) = client.filter(|_| is_token_refused(response.headers())) {
        client.charge_refused_token();
    }
}

/// Adds `Retry-After` and the `RateLimit-*` headers where retrying can help.
pub(crate) fn retry_after(error: &Error, headers: &mut HeaderMap) {
    let Some(limited) = error.limited() else {
        if error.code() == Code::ServiceUnavailable {
            headers.insert(header::RETRY_AFTER, RETRY_SOON);
        }
        return;
    };
    // Rounded up: a retry that comes early is refused again.
    let seconds = HeaderValue::from(limited.wait.as_secs() + 1);
    headers.insert(header::RETRY_AFTER, seconds.clone());
    headers.insert(RESET, seconds);
    headers.insert(LIMIT, HeaderValue::from(limited.limit.get()));
    headers.insert(REMAINING, HeaderValue::from(0));
}
