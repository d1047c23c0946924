//! The state of one socket by `graphql-transport-ws`, and what each message does to it. It knows neither time nor sockets.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    close::Close,
    envelope::{Answer, Enclosed, parameters},
};

/// How many operations in a row may be refused because the user has no points left.
const MAX_RATE_LIMITED: u8 = 10;

/// One socket, between its client and async-graphql.
#[derive(Debug)]
pub(super) struct Protocol {
    phase: Phase,
    /// Operations that were refused since one was executed.
    rate_limited: u8,
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
        Self { phase: Phase::New, rate_limited: 0, running: HashSet::new(), max_operations }
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
    pub(super) fn send(&mut self, text: &str) -> Result<Option<String>, Close> {
        match serde_json::from_str(text) {
            Ok(ServerMessage::ConnectionAck) => {
                self.phase = Phase::Acknowledged;
                Ok(Some(text.to_owned()))
            }
            Ok(ServerMessage::Next { id, payload }) => {
                self.count(&payload.data)?;
                let is_running = match payload.data {
                    Answer::Next(_) => self.running.contains(&id),
                    // It ends the operation.
                    Answer::Error(_) | Answer::RateLimited(_) => self.running.remove(&id),
                };
                Ok(is_running.then(|| payload.data.message(&id)))
            }
            Ok(ServerMessage::Complete { id }) => Ok(self.running.remove(&id).then(|| text.to_owned())),
            Ok(ServerMessage::Other) => Ok(Some(text.to_owned())),
            Err(error) => {
                tracing::error!(%error, "a message of async-graphql's that can't be read");
                Ok(None)
            }
        }
    }

    /// A client that is told again and again to wait, and doesn't, has to connect again.
    fn count(&mut self, answer: &Answer<'_>) -> Result<(), Close> {
        self.rate_limited = if let Answer::RateLimited(_) = answer { self.rate_limited + 1 } else { 0 };
        if self.rate_limited > MAX_RATE_LIMITED { Err(Close::FLOODED) } else { Ok(()) }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACK: &str = r#"{"type":"connection_ack"}"#;

    /// A socket with room for two operations, on which these messages came and were taken.
    fn after(messages: &[Value]) -> Protocol {
        let mut protocol = Protocol::new(2);
        for message in messages {
            protocol.receive(&message.to_string()).unwrap();
        }
        protocol
    }

    fn acknowledged() -> Protocol {
        let mut protocol = after(&[json!({ "type": "connection_init" })]);
        assert_eq!(protocol.send(ACK).unwrap().as_deref(), Some(ACK));
        protocol
    }

    fn subscribe(protocol: &mut Protocol, id: &str) -> Option<String> {
        let message = json!({ "type": "subscribe", "id": id, "payload": { "query": "{ a }", "variables": null } });
        protocol.receive(&message.to_string()).unwrap()
    }

    fn complete(id: &str) -> String {
        json!({ "type": "complete", "id": id }).to_string()
    }

    /// As async-graphql writes an answer.
    fn carried(id: &str, kind: &str, answer: &str) -> String {
        json!({ "type": "next", "id": id, "payload": { "data": { kind: answer } } }).to_string()
    }

    #[test]
    fn an_operation_can_only_be_sent_after_the_acknowledgement() {
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ a }" } });
        let init = json!({ "type": "connection_init" });
        for messages in [&[][..], &[init]] {
            assert_eq!(after(messages).receive(&subscribe.to_string()), Err(Close::UNAUTHORIZED));
        }
    }

    #[test]
    fn an_answer_is_told_as_it_is_and_the_end_once() {
        let mut protocol = acknowledged();
        subscribe(&mut protocol, "1");
        let answer = r#"{"data":{"a":"\"ü"}}"#;
        let told = format!(r#"{{"id":"1","type":"next","payload":{answer}}}"#);
        assert_eq!(protocol.send(&carried("1", "next", answer)), Ok(Some(told)));
        assert_eq!(protocol.send(&complete("1")), Ok(Some(complete("1"))));
        assert_eq!(protocol.send(&complete("1")), Ok(None));
    }

    #[test]
    fn an_error_is_the_end_of_its_operation() {
        let mut protocol = acknowledged();
        subscribe(&mut protocol, "1");
        let told = r#"{"id":"1","type":"error","payload":[{"message":"no"}]}"#;
        assert_eq!(protocol.send(&carried("1", "error", r#"[{"message":"no"}]"#)), Ok(Some(told.to_owned())));
        assert_eq!(protocol.send(&complete("1")), Ok(None));
    }

    #[test]
    fn only_refusals_in_a_row_close_the_socket() {
        let mut protocol = acknowledged();
        let mut answer = |kind: &str| {
            subscribe(&mut protocol, "1");
            let told = protocol.send(&carried("1", kind, "[]")).map(drop);
            protocol.send(&complete("1")).unwrap();
            told
        };
        for kind in ["error", "next"] {
            for _ in 0..MAX_RATE_LIMITED {
                assert_eq!(answer("rate_limited"), Ok(()));
            }
            assert_eq!(answer(kind), Ok(()));
        }
        for _ in 0..MAX_RATE_LIMITED {
            assert_eq!(answer("rate_limited"), Ok(()));
        }
        assert_eq!(answer("rate_limited"), Err(Close::FLOODED));
    }

    #[test]
    fn nothing_is_told_of_what_the_client_has_completed_and_its_id_is_free() {
        let mut protocol = acknowledged();
        subscribe(&mut protocol, "1");
        assert_eq!(protocol.receive(&complete("1")), Ok(Some(complete("1"))), "async-graphql is told");
        assert_eq!(protocol.send(&carried("1", "next", "{}")), Ok(None));
        assert_eq!(protocol.send(&complete("1")), Ok(None));
        assert!(subscribe(&mut protocol, "1").is_some());
        assert_eq!(protocol.receive(&complete("2")), Ok(None), "it ended already");
    }

    #[test]
    fn one_operation_too_many_is_marked_and_an_id_in_use_closes_the_socket() {
        let mut protocol = acknowledged();
        let is_marked = |message: Option<String>| message.unwrap().contains("TooMany");
        let marked = ["1", "2", "3"].map(|id| is_marked(subscribe(&mut protocol, id)));
        assert_eq!(marked, [false, false, true]);
        let again = json!({ "type": "subscribe", "id": "3", "payload": { "query": "{ a }" } });
        assert_eq!(protocol.receive(&again.to_string()), Err(Close::duplicate("3")));
    }
}
