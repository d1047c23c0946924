//! The GraphiQL page, with all of its scripts in the binary.

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::web::page;

/// Runs no script but the page's own, and talks to nobody but this server. The editor sets styles of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data: 'self'; \
    img-src data: 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A tab each, to start with.
const EXAMPLES: [&str; 4] = [
    include_str!("examples/list.graphql"),
    include_str!("examples/create.graphql"),
    include_str!("examples/page.graphql"),
    include_str!("examples/live.graphql"),
];

/// The GraphiQL page for an endpoint, with a token in its headers if there is one to give away.
pub(super) fn graphiql(endpoint: &str, token: Option<&str>) -> Response {
    let page = page("graphiql.html", &settings(endpoint, token));
    ([(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")], Html(page)).into_response()
}

fn settings(endpoint: &str, token: Option<&str>) -> Value {
    let authorization = token.map_or_else(|| "Bearer <your token>".to_owned(), |token| format!("Bearer {token}"));
    json!({ "endpoint": endpoint, "headers": { "Authorization": authorization }, "examples": EXAMPLES })
}
