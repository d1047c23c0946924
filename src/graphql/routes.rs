//! The routes: the endpoint, and the GraphiQL page for browsers.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::Response,
    routing::get,
};

use super::{
    error_response,
    graphiql::graphiql,
    http::handler,
    websocket::{is_upgrade, upgrade},
};
use crate::{
    error::{Code, Error},
    http::{guard::is_own_host, streams::Connection},
    state::SharedState,
};

const ENDPOINT: &str = "/graphql";

/// The GraphiQL page.
#[derive(Clone, Debug, Default)]
pub struct Playground {
    /// Whether it is served.
    pub is_on: bool,
    /// A token for anyone who opens the page on this machine. Only in development mode.
    pub token: Option<Arc<str>>,
}

/// The endpoint and the page. Preflights are left to CORS.
pub(crate) fn routes() -> Router<SharedState> {
    let endpoint =
        get(get_endpoint).post(handler::post).options(handler::options).fallback(handler::method_not_allowed);
    Router::new().route(ENDPOINT, endpoint).route("/graphql/ws", get(socket)).route("/graphiql", get(get_playground))
}

/// A WebSocket, the page for a browser, or the query in the query string.
async fn get_endpoint(State(state): State<SharedState>, connection: Connection, request: Request) -> Response {
    let headers = request.headers();
    if is_upgrade(headers) {
        return socket(State(state), request).await;
    }
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if state.playground.is_on && accept.is_some_and(|accept| accept.contains("text/html")) {
        return page(&state.playground, headers);
    }
    handler::get(&state, connection, request).await
}

async fn socket(State(state): State<SharedState>, request: Request) -> Response {
    upgrade(state, request).await
}

async fn get_playground(State(playground): State<Playground>, headers: HeaderMap) -> Response {
    if !playground.is_on {
        return error_response(Error::new(Code::NotFound, "Not Found"));
    }
    page(&playground, &headers)
}

fn page(playground: &Playground, headers: &HeaderMap) -> Response {
    graphiql(ENDPOINT, playground.token.as_deref().filter(|_| is_own_host(headers)))
}
