//! `Content-Type` and `Accept` (RFC 9110, sections 8.3 and 12.5.1).

use axum::http::{HeaderMap, header};
use mime::Mime;

/// The media type of a request's body; `None` if it is missing or unreadable. Like browsers, it ignores parameters that
/// can't be parsed.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<Mime> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.parse().ok().or_else(|| value.split(';').next()?.trim().parse().ok())
}

/// The media ranges a client accepts; `None` if it doesn't say. Ranges that can't be parsed are left out.
pub(crate) fn accepted(headers: &HeaderMap) -> Option<Vec<Mime>> {
    let mut values = headers.get_all(header::ACCEPT).into_iter().peekable();
    values.peek()?;
    let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(split);
    Some(ranges.filter_map(|range| range.parse().ok()).collect())
}

/// Whether the client names event streams among what it accepts. Anything it accepts without a name has to end.
pub(crate) fn accepts_events(headers: &HeaderMap) -> bool {
    let is_named = |range: &Mime| range.essence_str() == mime::TEXT_EVENT_STREAM.as_ref() && quality(range) > 0;
    accepted(headers).is_some_and(|ranges| ranges.iter().any(is_named))
}

/// The weight of a range in thousandths, 1000 by default.
pub(crate) fn quality(range: &Mime) -> u16 {
    let given = range.get_param("q").and_then(|q| q.as_str().parse::<f32>().ok());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let thousandths = |q: f32| (q.clamp(0.0, 1.0) * 1000.0).round() as u16;
    given.map_or(1000, thousandths)
}

/// The ranges of one header. Commas inside quotes don't separate.
fn split(value: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    value
        .split(move |c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        })
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_that_cannot_be_parsed_are_ignored() {
        for (value, expected) in [
            ("text/plain;application/json", Some("text/plain")),
            ("Application/JSON; charset", Some("application/json")),
            ("application/problem+json", Some("application/problem+json")),
            ("json", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            assert_eq!(content_type(&headers).as_ref().map(Mime::essence_str), expected, "{value}");
        }
    }
}
