//! Which pages may open WebSockets. CORS doesn't cover them: a browser connects to any host and only says whose page it
//! does it for. So the rule of CORS is applied here.

use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::loopback::is_local_origin;
use crate::error::{Code, Error, Result};

/// Fails if a page may not open a socket with this request. Pages of this host and of these origins may, or those of any
/// page on this machine.
pub(crate) fn check_socket_origin(headers: &HeaderMap, origins: Option<&[HeaderValue]>) -> Result<()> {
    if may_connect(headers, origins) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "Pages of this origin may not open WebSockets here (CORS_ORIGINS)"))
}

/// Whether a request is none for a socket, no page's, or one of a page that may open them.
fn may_connect(headers: &HeaderMap, origins: Option<&[HeaderValue]>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN).filter(|_| headers.contains_key(header::UPGRADE)) else {
        return true;
    };
    let is_allowed = origins.map_or_else(|| is_local_origin(origin), |origins| origins.contains(origin));
    is_allowed || is_of_this_host(origin, headers)
}

fn is_of_this_host(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let (Some(origin), Some(host)) = (origin, host) else { return false };
    let own = Url::parse(&format!("{}://{host}", origin.scheme()));
    own.is_ok_and(|own| origin.host().is_some() && own.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_open_a_socket_to_its_own_host_and_where_cors_lets_it() {
        let listed = [HeaderValue::from_static("https://app.example.com")];
        for (origin, host, origins, expected) in [
            (None, "api.example.com", Some(&listed[..]), true),
            (Some("https://app.example.com"), "api.example.com", Some(&listed), true),
            (Some("https://api.example.com"), "api.example.com", Some(&listed), true),
            (Some("https://api.example.com"), "api.example.com:443", Some(&listed), true),
            (Some("http://api.example.com:8000"), "api.example.com:8000", Some(&listed), true),
            (Some("https://evil.example.com"), "api.example.com", Some(&listed), false),
            (Some("https://api.example.com.evil.org"), "api.example.com", Some(&listed), false),
            (Some("https://api.example.com:8443"), "api.example.com", Some(&listed), false),
            (Some("http://localhost:3000"), "api.example.com", Some(&listed), false),
            (Some("http://localhost:3000"), "localhost:8000", None, true),
            (Some("https://evil.example.com"), "localhost:8000", None, false),
            (Some("null"), "localhost:8000", None, false),
        ] {
            let mut headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            headers.extend(origin.map(|origin| (header::ORIGIN, origin.parse().unwrap())));
            assert!(may_connect(&headers, origins), "{origin:?} without an upgrade");
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            assert_eq!(may_connect(&headers, origins), expected, "{origin:?} at {host}");
        }
    }
}
