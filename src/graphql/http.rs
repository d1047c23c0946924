//! GraphQL over HTTP: reads a request or a batch of them, runs it for the caller, and answers in the form asked for.

use async_graphql::{Request, Response as Answer, ServerError, Value};
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::future::join_all;
use serde::Serialize;

use super::{
    Schema,
    error::{code, request_error, with_code},
    limits::Limits,
    variables,
};
use crate::{
    auth::Verifier,
    error::{Code, Error, Result},
    store::{Db, Once, Replayed, UserTasks},
    task::{IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, IdempotencyKey, Invalid},
};

const JSON: &str = "application/json";
const RESPONSE_JSON: &str = "application/graphql-response+json";

/// Runs what a POST to the GraphQL endpoint carries.
pub async fn serve(
    State(schema): State<Schema>,
    State(verifier): State<Verifier>,
    State(db): State<Db>,
    State(limits): State<Limits>,
    headers: HeaderMap,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Response {
    let media_type = media_type(&headers);
    let replayed = Replayed::default();
    let (tasks, once) = match verifier.authenticate(&headers).and_then(|user| Ok((user, once(&headers, &replayed)?))) {
        Ok((user, once)) => (db.tasks(user), once),
        Err(error) => return refuse(&error, media_type),
    };
    let operations = match read(&headers, body, &limits) {
        Ok(operations) => operations,
        Err(error) => return refuse(&error, media_type),
    };
    let mut response = match operations {
        Operations::One(request) => {
            let answer = run(&schema, tasks.once(once), &limits, *request).await;
            let status = status(&answer, media_type);
            respond(status, media_type, &Body::from(&answer))
        }
        Operations::Many(requests) => {
            let tasks = |index| tasks.clone().once(once.as_ref().map(|once| once.operation(index)));
            let requests = requests.into_iter().enumerate();
            let answers = join_all(requests.map(|(index, request)| run(&schema, tasks(index), &limits, request))).await;
            respond(StatusCode::OK, media_type, &answers.iter().map(Body::from).collect::<Vec<_>>())
        }
    };
    if replayed.get() {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Who writes may name the request, to have its mutations carried out once.
fn once(headers: &HeaderMap, replayed: &Replayed) -> Result<Option<Once>> {
    let key = IdempotencyKey::one(headers.get_all(IDEMPOTENCY_KEY).iter().map(HeaderValue::as_bytes));
    let key = key.map_err(|problem| Invalid::new(IDEMPOTENCY_KEY, problem))?;
    Ok(key.map(|key| Once::new(key, replayed.clone())))
}

/// What a body asks for.
enum Operations {
    One(Box<Request>),
    Many(Vec<Request>),
}

fn read(headers: &HeaderMap, body: std::result::Result<Bytes, BytesRejection>, limits: &Limits) -> Result<Operations> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON) {
        return Err(Error::new(Code::UnsupportedMediaType, "Send the request with Content-Type: application/json"));
    }
    let body = body.map_err(|rejection| unreadable(&rejection))?;
    let not_a_request =
        |error| Error::new(Code::BadUserInput, format!("The body is not a GraphQL request in JSON: {error}"));
    if !body.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice(&body).map(|request| Operations::One(Box::new(request))).map_err(not_a_request);
    }
    let requests: Vec<Request> = serde_json::from_slice(&body).map_err(not_a_request)?;
    match requests.len() {
        0 => Err(Error::new(Code::BadUserInput, "The batch is empty")),
        count if count > limits.batch => {
            let message =
                format!("The batch has {count} operations, the limit (GRAPHQL_MAX_BATCH) is {}", limits.batch);
            Err(Error::new(Code::BadUserInput, message))
        }
        _ => Ok(Operations::Many(requests)),
    }
}

fn unreadable(rejection: &BytesRejection) -> Error {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(Code::PayloadTooLarge, "The body is larger than the server reads"),
        _ => Error::new(Code::BadUserInput, "The body could not be read"),
    }
}

async fn run(schema: &Schema, tasks: UserTasks, limits: &Limits, mut request: Request) -> Answer {
    if let Err(reason) = limits.check_text(&request.query) {
        return failed(ServerError::new(reason, None), Code::GraphqlValidationFailed);
    }
    let checked = match request.parsed_query() {
        Ok(document) => limits.check_document(document),
        Err(error) => return failed(error, Code::GraphqlParseFailed),
    };
    if let Err(reason) = checked.and_then(|()| variables::check(&mut request)) {
        return failed(ServerError::new(reason, None), Code::GraphqlValidationFailed);
    }
    let mut answer = schema.execute(request.data(tasks)).await;
    for error in &mut answer.errors {
        if code(error).is_none() {
            // Only the library itself makes errors without a code: the document or its variables don't fit the schema.
            let code = if error.path.is_empty() { Code::GraphqlValidationFailed } else { Code::BadUserInput };
            error.extensions = Some(with_code(code));
        }
    }
    answer
}

fn failed(mut error: ServerError, code: Code) -> Answer {
    error.extensions = Some(with_code(code));
    Answer::from_errors(vec![error])
}

/// Whether any of it was executed.
fn never_ran(answer: &Answer) -> bool {
    let words = [Code::GraphqlParseFailed.as_str(), Code::GraphqlValidationFailed.as_str()];
    answer.data == Value::Null
        && answer.errors.iter().any(|error| code(error).is_some_and(|code| words.contains(&code)))
}

/// `application/json` is for clients that read a status other than 200 as a failure of the transport.
fn status(answer: &Answer, media_type: &str) -> StatusCode {
    let is_unavailable = |error| code(error) == Some(Code::ServiceUnavailable.as_str());
    if answer.errors.iter().any(is_unavailable) {
        StatusCode::SERVICE_UNAVAILABLE
    } else if never_ran(answer) && media_type == RESPONSE_JSON {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    }
}

/// An answer as it is sent: one that never ran has no `data`.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
}

impl<'a> From<&'a Answer> for Body<'a> {
    fn from(answer: &'a Answer) -> Self {
        Self { data: (!never_ran(answer)).then_some(&answer.data), errors: &answer.errors }
    }
}

/// The error of a request none of which was looked at.
fn refuse(error: &Error, media_type: &'static str) -> Response {
    let status = match error.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = respond(status, media_type, &Body { data: None, errors: &[request_error(error)] });
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The error in this door's form, for the layers around it.
#[must_use]
pub fn error_response(error: &Error) -> Response {
    refuse(error, JSON)
}

fn media_type(headers: &HeaderMap) -> &'static str {
    let accept = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let mut accepted =
        accept.flat_map(|value| value.split(',')).map(|part| part.split(';').next().unwrap_or_default().trim());
    if accepted.any(|part| part.eq_ignore_ascii_case(RESPONSE_JSON)) { RESPONSE_JSON } else { JSON }
}

fn respond(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let content_type = if media_type == JSON {
                "application/json; charset=utf-8"
            } else {
                "application/graphql-response+json; charset=utf-8"
            };
            (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
        }
        Err(error) => {
            Error::internal(error).log();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
