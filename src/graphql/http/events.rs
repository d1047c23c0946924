//! GraphQL over server-sent events, in the distinct connections mode of graphql-sse: an operation is a request, and its
//! events are `next` and `complete`.

use axum::{
    http::{HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::{StreamExt, stream};

use crate::{
    graphql::operation::{Replies, Reply, to_json},
    http::streams::{Ended, EventStream, Lifetime, Place, retry_soon},
};

/// The response to an operation that has ended.
pub(in crate::graphql) fn ended(reply: &Reply) -> Response {
    let events = [next(reply), complete()].map(Ok::<_, std::convert::Infallible>);
    varying(Sse::new(stream::iter(events)).into_response())
}

/// The response to an operation that goes on.
pub(in crate::graphql) fn subscribed(replies: Replies, lifetime: Lifetime, place: Place) -> Response {
    let events = replies.flat_map(|reply| {
        stream::iter(match reply {
            Ok(reply) => vec![Ok(next(&reply))],
            Err(errors) => vec![Ok(next(&Reply::not_run(errors))), Err(complete())],
        })
    });
    let events = events.chain(stream::iter([Ok(complete())])).boxed();
    varying(EventStream { events, lifetime, place, farewell }.into_response())
}

/// Without `complete` the client knows that there is more, and connects again.
fn farewell(ended: Ended) -> Event {
    if ended == Ended::Shutdown { retry_soon() } else { Event::default().comment("") }
}

fn next(reply: &Reply) -> Event {
    reply.count_errors();
    let json = to_json(reply).inspect_err(crate::error::Error::log).unwrap_or_default();
    Event::default().event("next").data(String::from_utf8(json).unwrap_or_default())
}

/// Its data is empty, but has to be there: browsers don't deliver events without data.
fn complete() -> Event {
    Event::default().event("complete").data("")
}

fn varying(mut response: Response) -> Response {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}
