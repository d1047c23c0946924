//! The handlers of `/graphql`: authentication, the request, and the response in the media type the client accepts.

use axum::{
    extract::{RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    MediaType, Operations, Reply, check_content_type,
    execute::{Allowed, run_many, run_one},
    from_body, from_query, is_preflighted, many, one, refused,
};
use crate::{
    auth::{Verifier, challenge},
    error::{Code, Error, Result},
    graphql::{engine::Schema, error::code, schema::request_error},
    http::{idempotency, mark_replayed, read_body, retry_after},
    store::{Db, Replayed, UserTasks},
};

/// The `Allow` header.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// Runs the query in a query string.
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

/// Runs the operation or the batch in a body.
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
    let mut response = refused(&reply, MediaType::default(), status(error.code()));
    retry_after(&error, response.headers_mut());
    response
}

/// The caller's tasks and the media type of the response, unless the request is refused before its body is read.
async fn admit(verifier: &Verifier, db: &Db, headers: &HeaderMap) -> Result<(UserTasks, MediaType)> {
    if !is_preflighted(headers) {
        let message = "Blocked as possible CSRF: add the header GraphQL-Require-Preflight";
        return Err(Error::new(Code::BadUserInput, message));
    }
    let tasks = db.tasks(verifier.authenticate(headers).await?);
    let message = "Accept application/graphql-response+json or application/json";
    let media_type = MediaType::negotiate(headers).ok_or_else(|| Error::new(Code::NotAcceptable, message))?;
    Ok((tasks, media_type))
}

/// The status of an operation without data that timed out or found the database unavailable.
fn failure(reply: &Reply) -> Option<StatusCode> {
    let has_data = reply.data.as_ref().is_some_and(|data| *data != async_graphql::Value::Null);
    let has = |wanted: Code| !has_data && reply.errors.iter().any(|error| code(error) == Some(wanted.as_str()));
    [Code::Timeout, Code::ServiceUnavailable].into_iter().find(|code| has(*code)).map(status)
}

/// Refuses a request as a whole.
fn refuse(error: &Error, headers: &HeaderMap) -> Response {
    let media_type = MediaType::negotiate(headers).unwrap_or_default();
    let mut response = refused(&Reply::not_run(vec![request_error(error)]), media_type, status(error.code()));
    let headers = response.headers_mut();
    challenge(error, headers);
    retry_after(error, headers);
    if error.code() == Code::MethodNotAllowed {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// GraphQL over HTTP has 400 for all malformed requests.
fn status(code: Code) -> StatusCode {
    match code {
        Code::BadUserInput => StatusCode::BAD_REQUEST,
        code => code.into(),
    }
}
