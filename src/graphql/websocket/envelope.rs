//! How requests and answers travel through async-graphql's socket: it knows only some parameters of a request, and has no
//! `error` message.

use std::borrow::Cow;

use async_graphql::{Request, Response, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    error::Code,
    graphql::{
        error::code_of,
        operation::{Parameters, Reply, to_json},
    },
};

/// The extension of a request that carries ours.
const REQUEST: &str = "request";

/// What an operation's id stands for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) enum Enclosed {
    /// These parameters.
    Parameters(serde_json::Value),
    /// One more than the socket may have.
    #[default]
    TooMany,
}

impl Enclosed {
    /// A `subscribe` message for async-graphql.
    pub(super) fn seal(self, id: &str) -> String {
        let extensions = json!({ REQUEST: self });
        json!({ "type": "subscribe", "id": id, "payload": { "extensions": extensions } }).to_string()
    }

    /// What such a message carried.
    pub(super) fn open(mut request: Request) -> Self {
        let enclosed = request.extensions.remove(REQUEST).unwrap_or_default();
        async_graphql::from_value(enclosed).unwrap_or_default()
    }
}

/// The parameters of a payload. The error says what is wrong with it.
pub(super) fn parameters(payload: serde_json::Value) -> Result<Parameters, String> {
    let payload = match payload {
        serde_json::Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => return Err("the payload of subscribe is not an object".to_owned()),
    };
    serde_json::from_value(serde_json::Value::Object(payload)).map_err(|error| error.to_string())
}

/// What is sent for an operation, in JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer<'a> {
    /// A reply.
    Next(#[serde(borrow)] Cow<'a, str>),
    /// The errors because of which there is none, now or any more.
    Error(#[serde(borrow)] Cow<'a, str>),
    /// The error of a user who has no points left.
    RateLimited(#[serde(borrow)] Cow<'a, str>),
}

impl Answer<'_> {
    /// A response for async-graphql.
    pub(super) fn of(answer: &Reply) -> Response {
        answer.count_errors();
        let json = match &answer.data {
            Some(_) => to_json(answer).map(|json| ("next", json)),
            None => to_json(&answer.errors).map(|json| {
                let is_rate_limited = answer.errors.first().and_then(code_of) == Some(Code::RateLimited.as_str());
                (if is_rate_limited { "rate_limited" } else { "error" }, json)
            }),
        };
        let (kind, json) = json.unwrap_or_else(|error| {
            error.log();
            ("error", b"[]".to_vec())
        });
        let text = String::from_utf8(json).unwrap_or_default();
        Response::new(Value::Object([(async_graphql::Name::new(kind), Value::String(text))].into_iter().collect()))
    }

    /// The message to the client.
    pub(super) fn message(&self, id: &str) -> String {
        let id = json!(id);
        match self {
            Self::Next(reply) => format!(r#"{{"id":{id},"type":"next","payload":{reply}}}"#),
            Self::Error(errors) | Self::RateLimited(errors) => {
                format!(r#"{{"id":{id},"type":"error","payload":{errors}}}"#)
            }
        }
    }
}
