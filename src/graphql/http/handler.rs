//! The handlers of `/graphql`.

use std::mem;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    MediaType, Operations, check_content_type,
    events::{reply_events, subscription_events},
    from_body, from_query, is_preflighted,
    response::{batch_response, reply_response, request_error_response},
};
use crate::{
    auth::{VerifiedToken, challenge},
    error::{Code, Error, Result},
    graphql::operation::{Allowed, Execution, Parameters, execute, execute_batch},
    http::{
        request::{Accept, idempotency},
        streams::{Connection, Lifetime, Outlet},
    },
    state::{AppState, SharedState},
    store::UserTasks,
};

/// The `Allow` header.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Executes the query in a query string.
pub(in crate::graphql) async fn get(state: &AppState, connection: Connection, request: Request) -> Response {
    let (Parts { headers, uri, .. }, _) = request.into_parts();
    let response = async {
        let caller = Caller::authenticate(state, &headers).await?;
        let parameters = from_query(uri.query().unwrap_or_default())?;
        caller.execute(state, parameters, false, &connection).await
    };
    response.await.unwrap_or_else(|error| error_response(&error, &headers))
}

/// Executes the operation or the batch in a body.
pub(in crate::graphql) async fn post(
    State(state): State<SharedState>,
    connection: Connection,
    mut request: Request,
) -> Response {
    let headers = mem::take(request.headers_mut());
    let response = async {
        let mut caller = Caller::authenticate(&state, &headers).await?;
        caller.tasks = caller.tasks.idempotent(idempotency(&headers, request.extensions())?);
        check_content_type(&headers)?;
        match from_body(&state.bodies.read(request).await?)? {
            Operations::One(parameters) => caller.execute(&state, *parameters, true, &connection).await,
            Operations::Batch(batch) => {
                let media_type = caller.media_type.ok_or_else(not_acceptable)?;
                let replies = execute_batch(&state.graphql, &caller.tasks, batch, &connection).await?;
                Ok(batch_response(&replies, media_type))
            }
        }
    };
    response.await.unwrap_or_else(|error| error_response(&error, &headers))
}

/// Who sent a request, and the media types they accept.
struct Caller {
    session: VerifiedToken,
    tasks: UserTasks,
    /// `None` if only events are accepted.
    media_type: Option<MediaType>,
    accepts_events: bool,
}

impl Caller {
    /// Fails before the body is read.
    async fn authenticate(state: &AppState, headers: &HeaderMap) -> Result<Self> {
        if !is_preflighted(headers) {
            let message = "Blocked as a possible CSRF attack: add the header GraphQL-Require-Preflight";
            return Err(Error::new(Code::BadUserInput, message));
        }
        let session = state.verifier.authenticate(headers).await?;
        let tasks = state.db.tasks(session.user().clone());
        let accept = Accept::of(headers);
        let (media_type, accepts_events) = (MediaType::negotiate(&accept), accept.names_events());
        if media_type.is_none() && !accepts_events {
            return Err(not_acceptable());
        }
        Ok(Self { session, tasks, media_type, accepts_events })
    }

    /// Responds with events only to a subscription, or if nothing else is accepted.
    async fn execute(
        self,
        state: &AppState,
        parameters: Parameters,
        mutations: bool,
        connection: &Connection,
    ) -> Result<Response> {
        let allowed = Allowed { mutations, subscriptions: self.accepts_events };
        match (execute(&state.graphql, &self.tasks, parameters, allowed, connection).await?, self.media_type) {
            (Execution::Reply(reply), Some(media_type)) => Ok(reply_response(&reply, media_type)),
            (Execution::Reply(reply), None) => Ok(reply_events(&reply)),
            (Execution::Subscription(replies), _) => {
                let permit = state.streams.open(self.session.user(), Outlet::GraphqlSse)?;
                let heartbeat = state.streams.limits().heartbeat;
                let lifetime = Lifetime::new(self.session, connection.stopping(), heartbeat);
                Ok(subscription_events(replies, lifetime, permit))
            }
        }
    }
}

fn not_acceptable() -> Error {
    let message =
        "Accept application/graphql-response+json or application/json, or text/event-stream for one operation";
    Error::new(Code::NotAcceptable, message)
}

/// Lists the allowed methods.
pub(in crate::graphql) async fn options() -> Response {
    (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response()
}

/// Rejects any other method.
pub(in crate::graphql) async fn method_not_allowed(headers: HeaderMap) -> Response {
    let error = Error::new(Code::MethodNotAllowed, "Send GraphQL requests with POST or GET");
    let mut response = error_response(&error, &headers);
    response.headers_mut().insert(header::ALLOW, METHODS);
    response
}

fn error_response(error: &Error, headers: &HeaderMap) -> Response {
    let media_type = MediaType::negotiate(&Accept::of(headers)).unwrap_or_default();
    let mut response = request_error_response(error, media_type);
    let headers = response.headers_mut();
    challenge(error, headers);
    if error.code() == Code::MethodNotAllowed {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}
