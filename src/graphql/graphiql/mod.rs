//! The playground page. Where `playground/` was built before the binary, the page is in the binary and needs nothing else;
//! else its scripts come from a CDN, at versions and with hashes that are pinned in the page.

mod embedded;

use aws_lc_rs::digest;
use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

pub(super) use self::embedded::asset;

const PAGE: &str = include_str!("cdn.html");
const SCRIPT: &str = include_str!("cdn.js");

/// A tab each, to start with.
const EXAMPLES: [&str; 4] = [
    include_str!("examples/list.graphql"),
    include_str!("examples/create.graphql"),
    include_str!("examples/page.graphql"),
    include_str!("examples/live.graphql"),
];

/// The GraphiQL page for an endpoint, with a token in its headers if there is one to give away.
pub(super) fn graphiql(endpoint: &str, token: Option<&str>) -> Response {
    // JSON in a page must not be able to end the element it stands in.
    let settings = settings(endpoint, token).to_string().replace('<', "\\u003c");
    let (page, policy) = match embedded::page() {
        Some(page) => (page.replace("{settings}", &settings), policy("'self'", "'self'")),
        None => {
            let own = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, SCRIPT.as_bytes()));
            let page = PAGE.replace("{settings}", &settings).replace("{script}", SCRIPT);
            (page, policy(&format!("https://unpkg.com 'sha256-{own}'"), "https://unpkg.com"))
        }
    };
    ([(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store".to_owned())], Html(page))
        .into_response()
}

fn settings(endpoint: &str, token: Option<&str>) -> Value {
    let authorization = token.map_or_else(|| "Bearer <your token>".to_owned(), |token| format!("Bearer {token}"));
    json!({ "endpoint": endpoint, "headers": { "Authorization": authorization }, "examples": EXAMPLES })
}

/// Runs no script but the page's own, and talks to nobody but this server. The editor sets styles of its own.
fn policy(scripts: &str, styles: &str) -> String {
    format!(
        "default-src 'none'; script-src {scripts}; style-src {styles} 'unsafe-inline'; font-src data: {styles}; \
         img-src data: 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
