//! The bundle that `build.rs` made of `playground/`; it is empty in builds for production and where there was no npm.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/playground.rs"));

/// The page, without its settings.
pub(super) fn page() -> Option<&'static str> {
    std::str::from_utf8(file("index.html")?).ok()
}

fn file(path: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(of, _)| *of == path).map(|(_, content)| *content)
}

/// A script or style of the page. Its name has its hash, so it never changes.
pub(in crate::graphql) async fn asset(name: Result<Path<String>, PathRejection>) -> Response {
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
