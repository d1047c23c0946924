//! The GraphiQL page, with all of its scripts in the binary; a page that says how to get it where they are not.

mod embedded;

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};

pub(super) use self::embedded::asset;

/// Runs no script but the page's own, and talks to nobody but this server. The editor sets styles of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data: 'self'; \
    img-src data: 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const MISSING: &str = include_str!("missing.html");

/// A tab each, to start with.
const EXAMPLES: [&str; 4] = [
    include_str!("examples/list.graphql"),
    include_str!("examples/create.graphql"),
    include_str!("examples/page.graphql"),
    include_str!("examples/live.graphql"),
];

/// The GraphiQL page for an endpoint, with a token in its headers if there is one to give away.
pub(super) fn graphiql(endpoint: &str, token: Option<&str>) -> Response {
    let page = page(embedded::page(), &settings(endpoint, token));
    ([(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")], Html(page)).into_response()
}

fn page(bundled: Option<&str>, settings: &Value) -> String {
    // JSON in a page must not be able to end the element it stands in.
    let settings = settings.to_string().replace('<', "\\u003c");
    bundled.unwrap_or(MISSING).replace("{settings}", &settings)
}

fn settings(endpoint: &str, token: Option<&str>) -> Value {
    let authorization = token.map_or_else(|| "Bearer <your token>".to_owned(), |token| format!("Bearer {token}"));
    json!({ "endpoint": endpoint, "headers": { "Authorization": authorization }, "examples": EXAMPLES })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_the_bundle_says_how_to_get_it_and_loads_nothing() {
        let page = page(None, &settings("/graphql", Some("a secret")));
        for text in ["not part of this build", "install Node.js 20", "touch build.rs"] {
            assert!(page.contains(text), "{text}");
        }
        for text in ["<script", "://", "a secret"] {
            assert!(!page.contains(text), "{text}");
        }
    }

    #[test]
    fn settings_cannot_end_the_element_they_stand_in() {
        let page = page(Some("<script>{settings}</script>"), &json!({ "endpoint": "</script><p>" }));
        assert_eq!(page, r#"<script>{"endpoint":"\u003c/script>\u003cp>"}</script>"#);
    }
}
