//! The state of one socket by `graphql-transport-ws`, and what each message does to it. It knows neither time nor sockets.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    close::Close,
    envelope::{Answer, Enclosed, parameters},
};

/// One socket, between its client and async-graphql.
#[derive(Debug)]
pub(super) struct Protocol {
    phase: Phase,
    /// The ids of the operations that run.
    running: HashSet<String>,
    max_operations: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody has said who they are.
    New,
    /// That is being looked at.
    Initialising,
    /// Operations may be sent.
    Acknowledged,
}

/// A message of the client.
#[derive(Deserialize)]
struct ClientMessage {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    payload: Option<Value>,
}

/// A message of async-graphql.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ServerMessage<'a> {
    ConnectionAck,
    Next {
        id: String,
        #[serde(borrow)]
        payload: Payload<'a>,
    },
    Complete {
        id: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    data: Answer<'a>,
}

impl Protocol {
    pub(super) fn new(max_operations: usize) -> Self {
        Self { phase: Phase::New, running: HashSet::new(), max_operations }
    }

    /// Takes a message of the client. What comes back is for async-graphql, if there is anything for it to do.
    pub(super) fn receive(&mut self, text: &str) -> Result<Option<String>, Close> {
        let message: ClientMessage = serde_json::from_str(text).map_err(Close::invalid)?;
        match (message.kind.as_str(), message.id) {
            ("connection_init", _) => {
                check_payload(message.payload.as_ref())?;
                if self.phase != Phase::New {
                    return Err(Close::SECOND_INIT);
                }
                self.phase = Phase::Initialising;
                Ok(Some(text.to_owned()))
            }
            ("ping", _) => check_payload(message.payload.as_ref()).map(|()| Some(text.to_owned())),
            ("pong", _) => check_payload(message.payload.as_ref()).map(|()| None),
            ("subscribe", Some(id)) if !id.is_empty() => {
                self.subscribe(id, message.payload.unwrap_or_default()).map(Some)
            }
            // It may have ended already.
            ("complete", Some(id)) if !id.is_empty() => Ok(self.running.remove(&id).then(|| text.to_owned())),
            ("subscribe" | "complete", _) => Err(Close::invalid("it has no id")),
            _ => Err(Close::invalid("its type is unknown")),
        }
    }

    fn subscribe(&mut self, id: String, payload: Value) -> Result<String, Close> {
        let has_document = parameters(payload.clone()).map_err(Close::invalid)?.has_document();
        if !has_document {
            return Err(Close::invalid("it has no `query`"));
        }
        if self.phase != Phase::Acknowledged {
            return Err(Close::UNAUTHORIZED);
        }
        if self.running.contains(&id) {
            return Err(Close::duplicate(&id));
        }
        let is_full = self.running.len() >= self.max_operations;
        let enclosed = if is_full { Enclosed::TooMany } else { Enclosed::Parameters(payload) };
        let message = enclosed.seal(&id);
        self.running.insert(id);
        Ok(message)
    }

    /// Takes a message of async-graphql. What comes back is for the client, if it is to hear anything.
    pub(super) fn send(&mut self, text: &str) -> Option<String> {
        match serde_json::from_str(text) {
            Ok(ServerMessage::ConnectionAck) => {
                self.phase = Phase::Acknowledged;
                Some(text.to_owned())
            }
            Ok(ServerMessage::Next { id, payload }) => {
                let is_running = match payload.data {
                    Answer::Next(_) => self.running.contains(&id),
                    // It ends the operation.
                    Answer::Error(_) => self.running.remove(&id),
                };
                is_running.then(|| payload.data.message(&id))
            }
            Ok(ServerMessage::Complete { id }) => self.running.remove(&id).then(|| text.to_owned()),
            Ok(ServerMessage::Other) => Some(text.to_owned()),
            Err(error) => {
                tracing::error!(%error, "a message of async-graphql's that can't be read");
                None
            }
        }
    }

    /// Whether operations may be sent.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.phase == Phase::Acknowledged
    }
}

/// Where a payload is optional, it is an object.
fn check_payload(payload: Option<&Value>) -> Result<(), Close> {
    match payload {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(Close::invalid("its payload is not an object")),
    }
}
