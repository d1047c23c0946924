//! The playground page.

use async_graphql::http::GraphiQLSource;
use axum::response::Html;

/// The GraphiQL page for an endpoint, with a token in its headers if there is one to give away.
pub fn graphiql(endpoint: &str, token: Option<&str>) -> Html<String> {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut source = GraphiQLSource::build().endpoint(endpoint).title("Tandem GraphiQL");
    if let Some(authorization) = &authorization {
        source = source.header("Authorization", authorization);
    }
    Html(source.finish())
}
