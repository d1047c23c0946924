//! The change feed as server-sent events, for whoever accepts them.

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response, sse::Event},
};
use futures::StreamExt;
use serde_json::json;
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use super::changes::ChangesBody;
use crate::{
    auth::Session,
    error::{Code, Error},
    http::{
        request::Accept,
        streams::{Connection, Ended, EventStream, Lifetime, Outlet, Streams, retry_soon},
    },
    live::Hub,
    rest::{
        error::RestError,
        request::extract::{header_param, string},
    },
    state::SharedState,
    store::UserTasks,
    task::{Changes, Since},
};

/// What a stream of events needs, if one is asked for.
pub(in crate::rest) struct WantsEvents(pub(in crate::rest) Option<Subscriber>);

/// Who asks for a stream of events, and what it is served with.
pub(in crate::rest) struct Subscriber {
    session: Session,
    connection: Connection,
    streams: Streams,
    live: Hub,
}

impl FromRequestParts<SharedState> for WantsEvents {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, RestError> {
        if !Accept::of(&parts.headers).names_events() {
            return Ok(Self(None));
        }
        let Ok(connection) = Connection::from_request_parts(parts, state).await;
        let session = state.verifier.session(&parts.headers).await?;
        let (streams, live) = (state.streams.clone(), state.live.clone());
        Ok(Self(Some(Subscriber { session, connection, streams, live })))
    }
}

impl IntoParams for WantsEvents {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "In a stream of events: the `id` of the last event that arrived. It takes precedence over `cursor`.";
        vec![header_param("Last-Event-ID", description, string().build())]
    }
}

impl Subscriber {
    /// The changes of these tasks since then.
    pub(in crate::rest) fn follow(self, tasks: UserTasks, since: Since) -> Result<Response, RestError> {
        let Self { session, connection, streams, live } = self;
        let place = streams.open(session.user(), Outlet::RestSse)?;
        let lifetime = Lifetime::new(session, connection.stopping(), streams.limits().heartbeat);
        let events = live.subscribe(tasks, since).map(|page| page.map(event).map_err(|error| end(&error))).boxed();
        Ok(EventStream { events, lifetime, place, farewell }.into_response())
    }
}

/// Its id is where the next stream goes on.
fn event(page: Changes) -> Event {
    let event = Event::default().event("changes").id(page.cursor.to_string());
    let body = serde_json::to_string(&ChangesBody::from(page)).unwrap_or_default();
    event.data(body)
}

fn end(error: &Error) -> Event {
    error.log();
    Event::default().event("end").data(json!({ "code": error.code().as_str() }).to_string())
}

fn farewell(ended: Ended) -> Event {
    match ended {
        Ended::Shutdown => retry_soon(),
        _ => end(&Error::new(Code::Unauthenticated, "the token is no longer accepted")),
    }
}

/// Where a stream that broke off is to go on. It takes precedence over `cursor`, which stays in the URL of an
/// `EventSource`.
pub(in crate::rest) fn last_event_id(parts: &Parts) -> Option<String> {
    let id =
        parts.headers.get("last-event-id").filter(|id| !id.is_empty() && Accept::of(&parts.headers).names_events());
    id.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned())
}
