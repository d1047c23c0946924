//! Requests that were sent from this machine by its own name. A page elsewhere can make its own host name resolve to
//! this machine (DNS rebinding), but not change the name.

use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

use crate::auth::is_loopback;

/// Whether `Host` names this machine.
pub(crate) fn is_own_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    host.and_then(|host| Url::parse(&format!("http://{host}/")).ok()).is_some_and(|url| is_loopback(&url))
}

/// Whether the origin is a page served by this machine.
pub(in crate::http) fn is_local_origin(origin: &HeaderValue) -> bool {
    let url = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
    url.is_some_and(|url| is_loopback(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for (host, expected) in [
            ("localhost:8000", true),
            ("LOCALHOST", true),
            ("127.0.0.1:8000", true),
            ("127.8.8.8", true),
            ("[::1]:8000", true),
            ("tandem.example.com", false),
            ("localhost.example.com:8000", false),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(is_own_host(&headers), expected, "{host}");
            let origin = HeaderValue::try_from(format!("http://{host}")).unwrap();
            assert_eq!(is_local_origin(&origin), expected, "{host}");
        }
        assert!(!is_local_origin(&HeaderValue::from_static("null")));
    }
}
