//! `Content-Type` and `Accept` (RFC 9110, sections 8.3 and 12.5.1).

use axum::http::{HeaderMap, HeaderValue, header};
use mime::Mime;

/// The media type of a request's body; `None` if it is missing or unreadable. Like browsers, it ignores parameters that
/// can't be parsed.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<Mime> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.parse().ok().or_else(|| value.split(';').next()?.trim().parse().ok())
}

/// The media ranges a client accepts, if it says so. Ranges that can't be parsed are left out.
pub(crate) struct Accept(Option<Vec<Mime>>);

impl Accept {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self::read(headers.get_all(header::ACCEPT))
    }

    /// Reads the headers of this name.
    pub(crate) fn read<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut values = values.into_iter().peekable();
        let is_said = values.peek().is_some();
        let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(split);
        Self(is_said.then(|| ranges.filter_map(|range| range.parse().ok()).collect()))
    }

    /// `None` if the client doesn't say.
    pub(crate) fn ranges(&self) -> Option<&[Mime]> {
        self.0.as_deref()
    }

    /// Whether the client takes a media type that must be named: `*/*` is what those send who don't know it.
    pub(crate) fn names(&self, media_type: &str) -> bool {
        let is_named = |range: &Mime| range.essence_str() == media_type && quality(range) > 0;
        self.ranges().unwrap_or_default().iter().any(is_named)
    }

    /// Whether events may be sent. Anything the client accepts without a name has to end.
    pub(crate) fn names_events(&self) -> bool {
        self.names(mime::TEXT_EVENT_STREAM.as_ref())
    }
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
