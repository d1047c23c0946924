//! The handlers of `/graphql`: authentication, the request, and the response in the media type the client accepts.

use std::mem;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    MediaType, Operations, check_content_type,
    events::{ended, subscribed},
    from_body, from_query, is_preflighted, many, one, refused,
};
use crate::{
    auth::{Session, challenge},
    error::{Code, Error, Result},
    graphql::{
        operation::{Allowed, Parameters, Replies, Reply, Started, run_many, start},
        schema::request_error,
        status,
    },
    http::{
        rate_limiting::retry_after,
        request::{Accept, idempotency, read_body},
        streams::{Connection, Lifetime, Outlet},
    },
    state::{AppState, SharedState},
    store::UserTasks,
};

/// The `Allow` header.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Runs the query in a query string.
pub(in crate::graphql) async fn get(state: &AppState, connection: Connection, request: Request) -> Response {
    let (Parts { headers, uri, .. }, _) = request.into_parts();
    let answer = async {
        let caller = Caller::admit(state, &headers).await?;
        let parameters = from_query(uri.query().unwrap_or_default())?;
        caller.run(state, parameters, false, &connection).await
    };
    answer.await.unwrap_or_else(|error| refuse(&error, &headers))
}

/// Runs the operation or the batch in a body.
pub(in crate::graphql) async fn post(
    State(state): State<SharedState>,
    connection: Connection,
    mut request: Request,
) -> Response {
    let headers = mem::take(request.headers_mut());
    let answer = async {
        let mut caller = Caller::admit(&state, &headers).await?;
        caller.tasks = caller.tasks.idempotent(idempotency(&headers, request.extensions())?);
        check_content_type(&headers)?;
        match from_body(&read_body(request).await?)? {
            Operations::One(parameters) => caller.run(&state, *parameters, true, &connection).await,
            Operations::Many(batch) => {
                let media_type = caller.media_type.ok_or_else(not_acceptable)?;
                Ok(many(&run_many(&state.schema, &caller.tasks, batch).await?, media_type))
            }
        }
    };
    answer.await.unwrap_or_else(|error| refuse(&error, &headers))
}

/// Who sent a request, and what they can read.
struct Caller {
    session: Session,
    tasks: UserTasks,
    /// `None` if only events are accepted.
    media_type: Option<MediaType>,
    takes_events: bool,
}

impl Caller {
    /// Fails if the request is refused before its body is read.
    async fn admit(state: &AppState, headers: &HeaderMap) -> Result<Self> {
        if !is_preflighted(headers) {
            let message = "Blocked as possible CSRF: add the header GraphQL-Require-Preflight";
            return Err(Error::new(Code::BadUserInput, message));
        }
        let session = state.verifier.session(headers).await?;
        let tasks = state.db.tasks(session.user().clone());
        let accept = Accept::of(headers);
        let (media_type, takes_events) = (MediaType::negotiate(&accept), accept.names_events());
        if media_type.is_none() && !takes_events {
            return Err(not_acceptable());
        }
        Ok(Self { session, tasks, media_type, takes_events })
    }

    /// Answers with events only where nothing else will do.
    async fn run(
        self,
        state: &AppState,
        parameters: Parameters,
        mutations: bool,
        connection: &Connection,
    ) -> Result<Response> {
        let allowed = Allowed { mutations, subscriptions: self.takes_events };
        let mut timer = connection.timer();
        let started = start(&state.schema, &self.tasks, parameters, allowed, &mut timer).await;
        connection.keep(timer);
        let reply = match started? {
            Started::Subscribed(replies) => return self.subscribe(state, replies, connection),
            Started::Rejected(errors) => Reply::not_run(errors),
            Started::Done(reply) => reply,
        };
        Ok(match self.media_type {
            Some(media_type) => one(&reply, media_type, status::of_failure(&reply)),
            None => ended(&reply),
        })
    }

    fn subscribe(self, state: &AppState, replies: Replies, connection: &Connection) -> Result<Response> {
        let place = state.streams.open(self.session.user(), Outlet::GraphqlSse)?;
        let lifetime = Lifetime::new(self.session, connection.stopping(), state.streams.limits().heartbeat);
        Ok(subscribed(replies, lifetime, place))
    }
}

fn not_acceptable() -> Error {
    let message =
        "Accept application/graphql-response+json or application/json, or text/event-stream for one operation";
    Error::new(Code::NotAcceptable, message)
}

/// Answers with the allowed methods.
pub(in crate::graphql) async fn options() -> Response {
    (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response()
}

/// Refuses any other method.
pub(in crate::graphql) async fn wrong_method(headers: HeaderMap) -> Response {
    let error = Error::new(Code::MethodNotAllowed, "Send GraphQL requests with POST or GET");
    let mut response = refuse(&error, &headers);
    response.headers_mut().insert(header::ALLOW, METHODS);
    response
}

/// The error of a layer around the handlers, such as a timeout or a panic.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "as the other door has it")]
pub fn error_response(error: Error) -> Response {
    let told = request_error(&error);
    let reply = match error.code() {
        Code::Timeout | Code::InternalServerError => Reply::failed(told),
        _ => Reply::not_run(vec![told]),
    };
    let mut response = refused(&reply, MediaType::default(), status::of_code(error.code()));
    retry_after(&error, response.headers_mut());
    response
}

/// Refuses a request as a whole.
fn refuse(error: &Error, headers: &HeaderMap) -> Response {
    let media_type = MediaType::negotiate(&Accept::of(headers)).unwrap_or_default();
    let mut response = refused(&Reply::not_run(vec![request_error(error)]), media_type, status::of_code(error.code()));
    let headers = response.headers_mut();
    challenge(error, headers);
    retry_after(error, headers);
    if error.code() == Code::MethodNotAllowed {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}
