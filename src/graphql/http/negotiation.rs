//! Content negotiation between the two media types of a response.

use axum::http::HeaderValue;
use mime::Mime;

use crate::http::request::{Accept, quality};

/// The media type of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) enum MediaType {
    /// `application/json`, the older one. Its clients take any status but 200 for a failure of the transport.
    #[default]
    Json,
    /// `application/graphql-response+json`. The status says whether the operation was executed.
    GraphqlResponse,
}

impl MediaType {
    /// The client's preference, or JSON. `None` if it accepts neither.
    pub(in crate::graphql) fn negotiate(accept: &Accept) -> Option<Self> {
        let Some(ranges) = accept.ranges() else { return Some(Self::Json) };
        let preference = |media_type: Self| Some((media_type.preference(ranges)?, media_type));
        let (json, graphql) = (preference(Self::Json), preference(Self::GraphqlResponse));
        // A client that accepts anything gets JSON: the newer type must be named.
        let graphql = graphql.filter(|(preference, _)| json.is_none() || preference.specificity == EXACT);
        let best = match (json, graphql) {
            (Some(json), Some(graphql)) if json.0 > graphql.0 => json,
            (json, graphql) => graphql.or(json)?,
        };
        Some(best.1)
    }

    /// The `Content-Type` of a response.
    pub(in crate::graphql) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// By the most specific range that matches. `None` if that one has `q=0`.
    fn preference(self, ranges: &[Mime]) -> Option<Preference> {
        let best = ranges.iter().filter_map(|range| Some((self.specificity(range)?, quality(range))));
        let (specificity, quality) = best.max_by_key(|(specificity, _)| *specificity)?;
        (quality > 0).then_some(Preference { quality, specificity })
    }

    fn specificity(self, range: &Mime) -> Option<u8> {
        let is_utf8 = range.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8);
        let subtype = match self {
            Self::Json => "json",
            Self::GraphqlResponse => "graphql-response+json",
        };
        match range.essence_str() {
            "*/*" => Some(ANYTHING),
            "application/*" => Some(ANY_APPLICATION),
            essence if is_utf8 && essence.strip_prefix("application/") == Some(subtype) => Some(EXACT),
            _ => None,
        }
    }
}

const ANYTHING: u8 = 0;
const ANY_APPLICATION: u8 = 1;
const EXACT: u8 = 2;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    quality: u16,
    specificity: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(accept: &[&'static str]) -> Option<MediaType> {
        let values: Vec<_> = accept.iter().map(|value| HeaderValue::from_static(value)).collect();
        MediaType::negotiate(&Accept::read(&values))
    }

    #[test]
    fn the_preferred_media_type_wins() {
        for (accept, expected) in [
            (&[][..], Some(MediaType::Json)),
            (&["*/*"], Some(MediaType::Json)),
            (&["application/*"], Some(MediaType::Json)),
            (&["text/html, */*;q=0.1"], Some(MediaType::Json)),
            (&["application/json"], Some(MediaType::Json)),
            (&["Application/JSON; Charset=UTF-8"], Some(MediaType::Json)),
            (&["application/graphql-response+json"], Some(MediaType::GraphqlResponse)),
            (&["application/graphql-response+json;charset=utf-8;q=0.2"], Some(MediaType::GraphqlResponse)),
            (&["application/json, application/graphql-response+json"], Some(MediaType::GraphqlResponse)),
            (&["application/graphql-response+json,application/json;q=0.9"], Some(MediaType::GraphqlResponse)),
            (&["application/graphql-response+json;q=0.5, application/json"], Some(MediaType::Json)),
            (&["application/graphql-response+json", "application/json;q=0.9"], Some(MediaType::GraphqlResponse)),
            (&["application/graphql-response+json;q=0.5, */*"], Some(MediaType::Json)),
            (&["application/graphql-response+json, */*"], Some(MediaType::GraphqlResponse)),
            (&["application/json;q=0, */*"], Some(MediaType::GraphqlResponse)),
            (&["application/json;a=\"x,y\", text/html"], Some(MediaType::Json)),
            (&["text/html"], None),
            (&[""], None),
            (&["application/json;q=0"], None),
            (&["application/json; charset=latin1"], None),
            (&["application/json;q=0, application/graphql-response+json;q=0, */*;q=0.5"], None),
            (&["*/*;q=0"], None),
            (&["application/jsonx, application/xml"], None),
        ] {
            assert_eq!(negotiate(accept), expected, "{accept:?}");
        }
    }
}
