//! The pages that `build.rs` bundled from `web/`; there are none in builds for production and where there was no npm.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

const MISSING: &str = include_str!("missing.html");

/// A page with its settings. Without the bundle it says how to get it, and has no settings.
pub(crate) fn page(file_name: &str, settings: &Value) -> String {
    fill(file(file_name).and_then(|content| std::str::from_utf8(content).ok()), settings)
}

fn fill(page: Option<&str>, settings: &Value) -> String {
    // JSON in a page must not be able to end the element it stands in.
    let settings = settings.to_string().replace('<', "\\u003c");
    page.unwrap_or(MISSING).replace("{settings}", &settings)
}

pub(super) fn file(path: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(of, _)| *of == path).map(|(_, content)| *content)
}

/// A script, style or font of a page. Its name has its hash, so it never changes.
pub(super) async fn asset(name: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(name)) = name else { return StatusCode::NOT_FOUND.into_response() };
    let content_type = match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "woff2")) => "font/woff2",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    file(&format!("assets/{name}"))
        .map_or_else(|| StatusCode::NOT_FOUND.into_response(), |content| (headers, content).into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_build_without_the_bundle_says_how_to_get_it_and_loads_nothing() {
        let page = fill(None, &json!({ "token": "a secret" }));
        for text in ["not part of this build", "install Node.js 20", "touch build.rs"] {
            assert!(page.contains(text), "{text}");
        }
        for text in ["<script", "://", "a secret"] {
            assert!(!page.contains(text), "{text}");
        }
    }

    #[test]
    fn settings_cannot_end_the_element_they_stand_in() {
        let page = fill(Some("<script>{settings}</script>"), &json!({ "endpoint": "</script><p>" }));
        assert_eq!(page, r#"<script>{"endpoint":"\u003c/script>\u003cp>"}</script>"#);
    }
}
