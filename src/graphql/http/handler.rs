//! The handlers of `/graphql`: who is calling, what they want, and the answer in the form they asked for.

use axum::{
    extract::{RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    MediaType, Operations, Reply, check_content_type, from_body, from_query, is_asked_about, many, one, refused,
};
use crate::{
    auth::{Verifier, challenge},
    error::{Code, Error, Result},
    graphql::{
        error::{code, request_error},
        execute::{Allowed, run_many, run_one},
        schema::Schema,
    },
    http::{idempotency, mark_replayed, read_body},
    store::{Db, Replayed, UserTasks},
};

/// What the endpoint can be asked with.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Runs the operation in a query string. It must be one that changes nothing.
pub(in crate::graphql) async fn get(
    State(schema): State<Schema>,
    State(verifier): State<Verifier>,
    State(db): State<Db>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = async {
        let (tasks, media_type) = admit(&verifier, &db, &headers).await?;
        let parameters = from_query(&query.unwrap_or_default())?;
        let reply = run_one(&schema, &tasks, parameters, Allowed::Queries).await?;
        Ok(one(&reply, media_type, failure(&reply)))
    };
    answer.await.unwrap_or_else(|error| refuse(&error, &headers))
}

/// Runs the operation, or the batch of them, in a body.
pub(in crate::graphql) async fn post(
    State(schema): State<Schema>,
    State(verifier): State<Verifier>,
    State(db): State<Db>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let replayed = Replayed::default();
    let answer = async {
        let (tasks, media_type) = admit(&verifier, &db, &headers).await?;
        let tasks = tasks.idempotent(idempotency(&headers, &replayed)?);
        check_content_type(&headers)?;
        match from_body(&read_body(request).await?)? {
            Operations::One(parameters) => {
                let reply = run_one(&schema, &tasks, *parameters, Allowed::All).await?;
                Ok(one(&reply, media_type, failure(&reply)))
            }
            Operations::Many(batch) => Ok(many(&run_many(&schema, &tasks, batch).await?, media_type)),
        }
    };
    let mut response = answer.await.unwrap_or_else(|error| refuse(&error, &headers));
    mark_replayed(&replayed, &mut response);
    response
}

/// Says what the endpoint can be asked with.
pub(in crate::graphql) async fn options() -> Response {
    (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response()
}

/// Says that the endpoint can't be asked like this.
pub(in crate::graphql) async fn wrong_method(headers: HeaderMap) -> Response {
    let error = Error::new(Code::MethodNotAllowed, "Send GraphQL requests with POST or GET");
    let mut response = refuse(&error, &headers);
    response.headers_mut().insert(header::ALLOW, METHODS);
    response
}

/// The error in this door's form, for the layers around it.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "as the other door has it")]
pub fn error_response(error: Error) -> Response {
    refuse(&error, &HeaderMap::new())
}

/// The caller's tasks and the form of the answer, if the request is one that may be looked at.
async fn admit(verifier: &Verifier, db: &Db, headers: &HeaderMap) -> Result<(UserTasks, MediaType)> {
    if !is_asked_about(headers) {
        let message = "Any page could have sent this: add the header GraphQL-Require-Preflight";
        return Err(Error::new(Code::BadUserInput, message));
    }
    let tasks = db.tasks(verifier.authenticate(headers).await?);
    let message = "The answer is application/graphql-response+json or application/json";
    let media_type = MediaType::negotiate(headers).ok_or_else(|| Error::new(Code::NotAcceptable, message))?;
    Ok((tasks, media_type))
}

/// The status of an operation that came to nothing for a reason outside of it. One that has any data is a success.
fn failure(reply: &Reply) -> Option<StatusCode> {
    let has_data = reply.data.as_ref().is_some_and(|data| *data != async_graphql::Value::Null);
    let has = |wanted: Code| !has_data && reply.errors.iter().any(|error| code(error) == Some(wanted.as_str()));
    [Code::Timeout, Code::ServiceUnavailable].into_iter().find(|code| has(*code)).map(status)
}

/// The error of a request none of which was looked at.
fn refuse(error: &Error, headers: &HeaderMap) -> Response {
    let media_type = MediaType::negotiate(headers).unwrap_or_default();
    let mut response = refused(request_error(error), media_type, status(error.code()));
    let headers = response.headers_mut();
    challenge(error, headers);
    if error.code() == Code::MethodNotAllowed {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// GraphQL over HTTP has 400 for every request that is not well-formed.
fn status(code: Code) -> StatusCode {
    match code {
        Code::BadUserInput => StatusCode::BAD_REQUEST,
        code => code.into(),
    }
}
