//! Headers that restrict what browsers do with a response.

use std::time::Duration;

use axum::http::{HeaderValue, Response, header};

/// Adds the headers to a response; `Strict-Transport-Security` only with a lifetime, since a deployment on plain HTTP must
/// not promise HTTPS.
pub(crate) fn security_headers<B>(hsts: Option<Duration>) -> impl Fn(Response<B>) -> Response<B> + Clone {
    let hsts = hsts.and_then(|lifetime| HeaderValue::try_from(format!("max-age={}", lifetime.as_secs())).ok());
    move |mut response| {
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Some(hsts) = &hsts {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        response
    }
}
