//! The playground page. Its scripts come from a CDN, at versions and with hashes that are pinned in the page.

use aws_lc_rs::digest;
use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

const PAGE: &str = include_str!("graphiql.html");
const SCRIPT: &str = include_str!("graphiql.js");
const QUERY: &str = "# The tasks of the user whose token is in the headers below\n{\n  tasks(status: ALL, limit: 20) {\n    id\n    title\n    completed\n  }\n}\n";

/// The GraphiQL page for an endpoint, with a token in its headers if there is one to give away.
#[must_use]
pub fn graphiql(endpoint: &str, token: Option<&str>) -> Response {
    let authorization = token.map_or_else(|| "Bearer <your token>".to_owned(), |token| format!("Bearer {token}"));
    let settings = json!({ "endpoint": endpoint, "query": QUERY, "headers": { "Authorization": authorization } });
    // JSON in a page must not be able to end the element it stands in.
    let settings = settings.to_string().replace('<', "\\u003c");
    let page = PAGE.replace("{settings}", &settings).replace("{script}", SCRIPT);
    ([(header::CONTENT_SECURITY_POLICY, policy()), (header::CACHE_CONTROL, "no-store".to_owned())], Html(page))
        .into_response()
}

/// Runs no script but the pinned ones and our own, and talks to nobody but this server.
fn policy() -> String {
    let own = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, SCRIPT.as_bytes()));
    format!(
        "default-src 'none'; script-src https://unpkg.com 'sha256-{own}'; style-src https://unpkg.com 'unsafe-inline'; \
         font-src data: https://unpkg.com; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}
