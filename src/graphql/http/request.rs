//! Requests: one operation or a batch in a body, or one operation in a query string.

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
    /// One operation.
    One(Box<Parameters>),
    /// A batch, answered in its order.
    Many(Vec<Parameters>),
}

/// Reads a POST's body.
pub(in crate::graphql) fn from_body(body: &[u8]) -> Result<Operations> {
    if body.trim_ascii_start().starts_with(b"[") {
        let many: Vec<Parameters> = read(body)?;
        return if many.is_empty() { Err(bad("The batch is empty")) } else { Ok(Operations::Many(many)) };
    }
    read(body).map(Operations::One)
}

/// Reads a GET's query string, in which variables and extensions are JSON.
pub(in crate::graphql) fn from_query(query: &str) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        match &*name {
            "query" => parameters.query = Some(value.into_owned()),
            "documentId" => parameters.document_id = Some(value.into_owned()),
            "operationName" => parameters.operation_name = Some(value.into_owned()),
            "variables" => parameters.variables = read(value.as_bytes())?,
            "extensions" => parameters.extensions = read(value.as_bytes())?,
            _ => {}
        }
    }
    Ok(parameters)
}

/// Whether a POST's body is of a type that can be read.
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

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| bad(format!("The body is not a GraphQL request in JSON: {error}")))
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::BadUserInput, message)
}
