//! Requests: one operation or a batch in a body, or one operation in a query string.

use std::borrow::Cow;

use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::{
    error::{Code, Error, Result},
    graphql::operation::Parameters,
    http::request::content_type,
};

/// The operations of a request.
#[derive(Debug)]
pub(in crate::graphql) enum Operations {
    One(Box<Parameters>),
    /// The response has their replies in the same order.
    Batch(Vec<Parameters>),
}

/// Parses the body of a POST.
pub(in crate::graphql) fn from_body(body: &[u8]) -> Result<Operations> {
    if body.trim_ascii_start().starts_with(b"[") {
        let batch: Vec<Parameters> = from_json(body)?;
        return if batch.is_empty() { Err(bad_request("The batch is empty")) } else { Ok(Operations::Batch(batch)) };
    }
    from_json(body).map(Operations::One)
}

/// Parses the query string of a GET. Its variables and extensions are JSON.
pub(in crate::graphql) fn from_query(query: &str) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        match &*name {
            "query" => parameters.query = Some(value.into_owned()),
            "documentId" => parameters.document_id = Some(value.into_owned()),
            "operationName" => parameters.operation_name = Some(value.into_owned()),
            "variables" => parameters.variables = from_json(value.as_bytes())?,
            "extensions" => parameters.extensions = from_json(value.as_bytes())?,
            _ => {}
        }
    }
    Ok(parameters)
}

/// Rejects a body that isn't JSON in UTF-8.
pub(in crate::graphql) fn check_content_type(headers: &HeaderMap) -> Result<()> {
    let content_type = content_type(headers);
    let is_json = content_type.as_ref().is_some_and(|given| given.essence_str() == mime::APPLICATION_JSON.as_ref());
    let charset = content_type.as_ref().and_then(|given| given.get_param(mime::CHARSET));
    if is_json && charset.is_none_or(|charset| charset == mime::UTF_8) {
        return Ok(());
    }
    let message = "Send the request with Content-Type: application/json, in UTF-8";
    Err(Error::new(Code::UnsupportedMediaType, message))
}

fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|error| bad_request(format!("The body is not a GraphQL request in JSON: {error}")))
}

fn bad_request(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Code::BadUserInput, message)
}
