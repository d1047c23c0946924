//! The change feed as server-sent events.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response, sse::Event},
};
use futures::{FutureExt, StreamExt};
use serde_json::json;
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use super::changes::ChangesBody;
use crate::{
    auth::VerifiedToken,
    error::{Code, Error},
    http::{
        rate_limiting::RateLimits,
        request::Accept,
        streams::{Connection, Ended, EventStream, Lifetime, Outlet, Streams, retry_soon},
    },
    live::Hub,
    rest::{
        error::RestError,
        openapi::schemas::{header_param, string},
        settings::RestSettings,
    },
    state::SharedState,
    store::UserTasks,
    task::{Changes, Since},
};

/// The fields of a task, which an event is charged for.
const FIELDS: usize = 7;

/// A subscriber, if the client accepts `text/event-stream`.
pub(crate) struct AcceptsEvents(pub(crate) Option<Subscriber>);

/// What a stream is made from, besides its tasks.
pub(crate) struct Subscriber {
    token: VerifiedToken,
    connection: Connection,
    streams: Streams,
    live: Hub,
    rate_limits: RateLimits,
    rest: RestSettings,
}

impl FromRequestParts<SharedState> for AcceptsEvents {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, RestError> {
        if !Accept::of(&parts.headers).names_events() {
            return Ok(Self(None));
        }
        let Ok(connection) = Connection::from_request_parts(parts, state).await;
        let token = state.verifier.authenticate(&parts.headers).await?;
        let (streams, live, rate_limits) = (state.streams.clone(), state.live.clone(), state.rate_limits.clone());
        Ok(Self(Some(Subscriber { token, connection, streams, live, rate_limits, rest: state.rest })))
    }
}

impl IntoParams for AcceptsEvents {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "For event streams: the `id` of the last event received. Takes precedence over `cursor`.";
        vec![header_param("Last-Event-ID", description, string())]
    }
}

impl Subscriber {
    /// Streams the changes of these tasks since a position.
    pub(crate) fn subscribe(self, tasks: UserTasks, since: Since) -> Result<Response, RestError> {
        let Self { token, connection, streams, live, rate_limits, rest } = self;
        let permit = streams.open(token.user(), Outlet::RestSse)?;
        let lifetime = Lifetime::new(token, connection.stopping(), streams.limits().heartbeat);
        let user = tasks.user().clone();
        let events = live.subscribe(tasks, since).enumerate().then(move |(index, page)| {
            let (rate_limits, user) = (rate_limits.clone(), user.clone());
            // Boxed, so that it takes no room between events.
            async move {
                let page = page.map_err(|error| end(&error))?;
                // The first event was paid for with the request.
                if index > 0 {
                    rate_limits.charge_event(&user, page.items.len() * FIELDS).await;
                }
                Ok(event(Arc::unwrap_or_clone(page), rest))
            }
            .boxed()
        });
        let events = events.boxed();
        Ok(EventStream { events, lifetime, permit, farewell }.into_response())
    }
}

/// The event's id is the cursor from which a client resumes.
fn event(page: Changes, rest: RestSettings) -> Event {
    let event = Event::default().event("changes").id(page.cursor.to_string());
    event.data(serde_json::to_string(&ChangesBody::new(page, rest)).unwrap_or_default())
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
