//! GraphQL over server-sent events, in graphql-sse's distinct connections mode: a request has one operation, and its events
//! are `next` and `complete`.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::{StreamExt, stream};
use http_body_util::BodyExt;

use crate::{
    error::Error,
    graphql::operation::{Replies, Reply, to_json},
    http::streams::{Ended, EventStream, Lifetime, StreamPermit, retry_soon},
};

/// The response to a query or a mutation.
pub(in crate::graphql) fn reply_events(reply: &Reply) -> Response {
    let events = [next(reply), complete()].map(Ok::<_, Infallible>);
    finish(Sse::new(stream::iter(events)).into_response())
}

/// The response to a subscription.
pub(in crate::graphql) fn subscription_events(replies: Replies, lifetime: Lifetime, permit: StreamPermit) -> Response {
    let events = replies.flat_map(|reply| {
        let end = reply.data.is_none().then(|| Err(complete()));
        stream::iter([Some(Ok(next(&reply))), end].into_iter().flatten())
    });
    let events = events.chain(stream::iter([Ok(complete())])).boxed();
    finish(EventStream { events, lifetime, permit, farewell }.into_response())
}

/// Without `complete`, the client reconnects.
fn farewell(ended: Ended) -> Event {
    if ended == Ended::Shutdown { retry_soon() } else { Event::default().comment("") }
}

fn next(reply: &Reply) -> Event {
    reply.count_errors();
    let json = to_json(reply).inspect_err(Error::log).unwrap_or_default();
    Event::default().event("next").data(String::from_utf8(json).unwrap_or_default())
}

fn complete() -> Event {
    Event::default().event("complete")
}

/// Gives `complete` a `data` line: readers dispatch no event without one (HTML, section 9.2.6), and axum can't write an empty
/// one.
fn finish(mut response: Response) -> Response {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    let with_data = |event: Bytes| match &event[..] {
        b"event: complete\n\n" => Bytes::from_static(b"event: complete\ndata:\n\n"),
        _ => event,
    };
    response.map(|body| Body::new(body.map_frame(move |frame| frame.map_data(with_data))))
}
