//! Protection against CSRF: rejects requests that a page of another origin could send without a preflight, whatever
//! credentials a browser may add.

use axum::http::{HeaderMap, HeaderName, header};

use mime::Mime;

use crate::http::request::content_type;

/// Headers that trigger a preflight, as they are not CORS-safelisted.
pub const PREFLIGHT_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-apollo-operation-name"),
];

/// Content types that trigger no preflight.
const FORM_TYPES: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// Whether a browser would have sent a preflight.
pub(in crate::graphql) fn is_preflighted(headers: &HeaderMap) -> bool {
    let has_value = |name| headers.get(name).is_some_and(|value| !value.is_empty());
    let is_form = |content_type: Mime| FORM_TYPES.contains(&content_type.essence_str());
    content_type(headers).is_some_and(|content_type| !is_form(content_type)) || PREFLIGHT_HEADERS.iter().any(has_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_trigger_a_preflight_are_accepted() {
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
            assert_eq!(is_preflighted(&headers), expected, "{name}: {value}");
        }
    }
}
