//! The app: a client to look at, from `web/`, and the tokens it gets in development mode. Also what both pages of `web/` are
//! served from.

mod bundle;
pub(crate) mod settings;

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use self::bundle::page;
pub use self::settings::{Mint, SignIn, WebApp};
use crate::{
    error::{Code, Error},
    http::guard::is_own_host,
    rest::error_response,
    state::SharedState,
};

const PATH: &str = "/app";

/// The app, its service worker, the tokens for it, and the assets of all bundled pages.
pub(crate) fn routes() -> Router<SharedState> {
    Router::new()
        .route(PATH, get(app))
        .route("/service-worker.js", get(service_worker))
        .route("/dev/token", post(new_token))
        .route("/assets/{name}", get(bundle::asset))
}

/// Leads a browser that asks for a page to the app, if there is one.
pub(crate) fn redirect(app: &WebApp, headers: &HeaderMap) -> Option<Response> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_browser = accept.is_some_and(|accept| accept.contains("text/html"));
    (app.is_on && is_browser).then(|| Redirect::temporary(PATH).into_response())
}

async fn app(State(app): State<WebApp>, headers: HeaderMap) -> Response {
    if !app.is_on {
        return no_such_page();
    }
    let (sign_in, origin) = match &app.sign_in {
        SignIn::Development(_) if is_own_host(&headers) => {
            (json!({ "kind": "development", "url": "/dev/token" }), None)
        }
        SignIn::Session(url) => {
            (json!({ "kind": "session", "url": url.as_str() }), Some(url.origin().ascii_serialization()))
        }
        SignIn::Pasted | SignIn::Development(_) => (json!({ "kind": "pasted" }), None),
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy(origin.as_deref())),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let settings = json!({ "endpoint": "/graphql", "signIn": sign_in });
    (headers, Html(page("app.html", &settings))).into_response()
}

/// What opens the app where there is no connection. Browsers ask for it again whenever the app is opened.
async fn service_worker(State(app): State<WebApp>) -> Response {
    match bundle::file("service-worker.js") {
        Some(script) if app.is_on => {
            let headers = [
                (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
                (header::CACHE_CONTROL, "no-cache"),
                (header::CONTENT_SECURITY_POLICY, "default-src 'none'; connect-src 'self'"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, script).into_response()
        }
        _ => no_such_page(),
    }
}

/// Runs no script and takes no style but the page's own, and talks to nobody but this server and the one of the sessions.
fn policy(session_origin: Option<&str>) -> HeaderValue {
    let connect = session_origin.map_or_else(String::new, |origin| format!(" {origin}"));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src data: 'self'; \
         connect-src 'self'{connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    // An origin that a header can't hold is one that no page could connect to.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[derive(Deserialize)]
struct For {
    user: String,
}

/// A token for the user of this name. Pages of other machines can't read it: CORS refuses their origins, and `Host` tells
/// those that made their own name resolve to this machine.
async fn new_token(
    State(app): State<WebApp>,
    headers: HeaderMap,
    query: Result<Query<For>, QueryRejection>,
) -> Response {
    let SignIn::Development(mint) = &app.sign_in else { return no_such_page() };
    if !app.is_on || !is_own_host(&headers) {
        return no_such_page();
    }
    let user = query.map_err(|_| "name a user: /dev/token?user=NAME".to_owned());
    match user.and_then(|Query(For { user })| mint.sign(&user)) {
        Ok(token) => ([(header::CACHE_CONTROL, "no-store")], Json::<Value>(json!({ "token": token }))).into_response(),
        Err(message) => error_response(Error::new(Code::BadUserInput, message)),
    }
}

fn no_such_page() -> Response {
    error_response(Error::new(Code::NotFound, "Not Found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_may_talk_to_the_server_of_its_sessions_and_to_nobody_else() {
        let connects = |origin| {
            let policy = policy(origin);
            let policy = policy.to_str().unwrap();
            policy.split("; ").find_map(|directive| directive.strip_prefix("connect-src ")).map(str::to_owned)
        };
        assert_eq!(connects(None).unwrap(), "'self'");
        assert_eq!(connects(Some("https://app.example.com")).unwrap(), "'self' https://app.example.com");
        assert_eq!(connects(Some("https://app.example.com\n")), None, "no origin of a URL has that");
    }
}
