//! The response to an operation (specification, section 7).

use std::io::{self, Write};

use async_graphql::{ServerError, Value};
use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use crate::{
    error::{Error, Result},
    graphql::error::code,
    telemetry,
};

/// The result of one operation.
#[derive(Debug, Serialize)]
pub(in crate::graphql) struct Reply {
    /// `None` if the operation did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::graphql) data: Option<Value>,
    /// What failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::graphql) errors: Vec<ServerError>,
}

impl Reply {
    /// The operation was not run.
    pub(in crate::graphql) fn not_run(errors: Vec<ServerError>) -> Self {
        Self { data: None, errors }
    }

    /// Counts its errors. Called once, by who sends it.
    pub(in crate::graphql) fn count_errors(&self) {
        self.errors.iter().filter_map(code).for_each(|code| telemetry::failed(telemetry::GRAPHQL, code));
    }

    /// The operation may have run: `data` is null, not absent, which would say that it has not.
    pub(in crate::graphql) fn failed(error: ServerError) -> Self {
        Self { data: Some(Value::Null), errors: vec![error] }
    }
}

/// A reply, several or their errors in compact JSON, in which bytes are JSON already, as `schema::json` makes it.
pub(in crate::graphql) fn to_json(answer: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(1024);
    answer.serialize(&mut Serializer::with_formatter(&mut json, Verbatim)).map_err(Error::internal)?;
    Ok(json)
}

struct Verbatim;

impl Formatter for Verbatim {
    fn write_byte_array<W: ?Sized + Write>(&mut self, writer: &mut W, json: &[u8]) -> io::Result<()> {
        writer.write_all(json)
    }
}
