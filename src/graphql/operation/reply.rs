//! The response to an operation (specification, section 7).

use std::io::{self, Write};

use async_graphql::{Response, ServerError, Value};
use futures::stream::BoxStream;
use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use crate::{
    error::{Code, Error, Result},
    graphql::error::{code_of, extensions},
    telemetry,
};

/// What executing an operation results in.
pub(in crate::graphql) enum Execution {
    /// A query or a mutation, or an operation that was not executed.
    Reply(Reply),
    /// A subscription.
    Subscription(Replies),
}

/// A reply for each event. One without data is the last.
pub(in crate::graphql) type Replies = BoxStream<'static, Reply>;

/// The response to one operation.
#[derive(Debug, Serialize)]
pub(in crate::graphql) struct Reply {
    /// Absent if the operation was not executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::graphql) data: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::graphql) errors: Vec<ServerError>,
}

impl Reply {
    pub(in crate::graphql) fn not_executed(errors: Vec<ServerError>) -> Self {
        Self { data: None, errors }
    }

    /// The operation may have been executed, so `data` is null rather than absent.
    pub(in crate::graphql) fn failed(error: ServerError) -> Self {
        Self { data: Some(Value::Null), errors: vec![error] }
    }

    /// Counts the errors for the metrics. Call it once, where the reply is sent.
    pub(in crate::graphql) fn count_errors(&self) {
        self.errors.iter().filter_map(code_of).for_each(|code| telemetry::failed(telemetry::GRAPHQL, code));
    }
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        let mut errors = response.errors;
        for error in errors.iter_mut().filter(|error| code_of(error).is_none()) {
            // An error of async-graphql's own: it couldn't read an argument.
            error.extensions = Some(extensions(Code::BadUserInput));
        }
        Self { data: Some(response.data), errors }
    }
}

/// Serializes replies. Bytes are JSON already: see `schema::types::json`.
pub(in crate::graphql) fn to_json(replies: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(1024);
    replies.serialize(&mut Serializer::with_formatter(&mut json, Verbatim)).map_err(Error::internal)?;
    Ok(json)
}

/// Compact JSON, in which bytes are copied as they are.
struct Verbatim;

impl Formatter for Verbatim {
    fn write_byte_array<W: ?Sized + Write>(&mut self, writer: &mut W, json: &[u8]) -> io::Result<()> {
        writer.write_all(json)
    }
}
