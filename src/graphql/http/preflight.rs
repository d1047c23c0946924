//! Whether a page of another site could have sent a request without the browser asking us first. Such a request is not
//! answered, whatever a browser may add to it of its own accord.

use axum::http::{HeaderMap, HeaderName, header};

use crate::http::content_type;

/// Headers that a page can't set on a request to another site unless that site allows it.
pub const PREFLIGHT_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-apollo-operation-name"),
];

/// What a form can send, and a script without being asked about.
const FORM_TYPES: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// Whether a browser would have asked before it let a page of another site send this.
pub(in crate::graphql) fn is_asked_about(headers: &HeaderMap) -> bool {
    let has_value = |name| headers.get(name).is_some_and(|value| !value.is_empty());
    let is_no_form = content_type(headers).is_some_and(|given| !FORM_TYPES.contains(&given.essence_str()));
    is_no_form || PREFLIGHT_HEADERS.iter().any(has_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_any_page_can_send_is_told_from_what_a_browser_asks_about() {
        for (name, value, expected) in [
            ("accept", "application/json", false),
            ("cookie", "a=b", false),
            ("content-type", "text/plain", false),
            ("content-type", "text/plain;application/json", false),
            ("content-type", "Application/X-WWW-Form-Urlencoded", false),
            ("content-type", "multipart/form-data; boundary=x", false),
            ("content-type", "", false),
            ("content-type", "application/json", true),
            ("authorization", "Bearer x", true),
            ("graphql-require-preflight", "1", true),
            ("apollo-require-preflight", "true", true),
            ("apollo-require-preflight", "", false),
            ("x-apollo-operation-name", "List", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(is_asked_about(&headers), expected, "{name}: {value}");
        }
    }
}
