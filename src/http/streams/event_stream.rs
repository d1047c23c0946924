//! Server-sent events (HTML, section 9.2): a response that lasts until its events or its lifetime end.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::{
    StreamExt,
    stream::{BoxStream, unfold},
};
use uuid::Uuid;

use super::{Ended, Lifetime, StreamPermit};

/// Keeps nginx from buffering.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// Events, and how long there are any.
pub(crate) struct EventStream {
    /// An error is the last event.
    pub(crate) events: BoxStream<'static, Result<Event, Event>>,
    pub(crate) lifetime: Lifetime,
    pub(crate) permit: StreamPermit,
    /// The last event of a stream that ends before its events do.
    pub(crate) farewell: fn(Ended) -> Event,
}

impl EventStream {
    /// The next event, and what follows it.
    async fn next(mut self) -> Option<(Event, Option<Self>)> {
        tokio::select! {
            biased;
            beat = self.lifetime.beat() => match beat {
                Ok(()) => Some((Event::default().comment(""), Some(self))),
                Err(ended) => {
                    self.permit.ended(ended);
                    Some(((self.farewell)(ended), None))
                }
            },
            event = self.events.next() => match event? {
                Ok(event) => Some((event, Some(self))),
                Err(last) => {
                    self.permit.ended(Ended::Failed);
                    Some((last, None))
                }
            },
        }
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let events = unfold(Some(self), async |stream| stream?.next().await);
        ([UNBUFFERED], Sse::new(events.map(Ok::<_, Infallible>))).into_response()
    }
}

/// Asks the client to reconnect in one to ten seconds; random, so that not all come back together.
pub(crate) fn retry_soon() -> Event {
    let (random, ..) = Uuid::new_v4().as_fields();
    Event::default().retry(Duration::from_millis(1000 + u64::from(random % 9001)))
}
