//! A reader of server-sent events, over a real socket.

use reqwest::{Response, header::HeaderMap};
use serde_json::Value;
use tokio::time::timeout;

use super::server::PATIENCE;

/// An event stream.
pub struct Events {
    response: Response,
    unread: String,
}

/// One event, or a comment.
#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: String,
    pub retry: Option<u64>,
    pub is_comment: bool,
}

impl Event {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Events {
    /// REST's, with this token.
    pub async fn rest(url: &str, token: &str, query: &str, headers: &[(&str, &str)]) -> Self {
        let request = reqwest::Client::new().get(format!("{url}/api/tasks/changes{query}"));
        let request = request.bearer_auth(token).header("accept", "text/event-stream");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Self::of(request.send().await.unwrap())
    }

    /// GraphQL's, with this token.
    pub async fn graphql(url: &str, token: &str, body: &Value) -> Self {
        let request = reqwest::Client::new().post(format!("{url}/graphql")).bearer_auth(token);
        Self::of(request.header("accept", "text/event-stream").json(body).send().await.unwrap())
    }

    pub fn of(response: Response) -> Self {
        Self { response, unread: String::new() }
    }

    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The response instead of events.
    pub async fn refusal(self) -> (u16, Value) {
        (self.status(), self.response.json().await.unwrap())
    }

    /// The next event that isn't a comment; `None` at the end.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.any().await {
                Some(event) if event.is_comment => {}
                event => return event,
            }
        }
    }

    /// The next event or comment; `None` at the end.
    pub async fn any(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let event = parse(block);
                let rest = rest.to_owned();
                self.unread = rest;
                return Some(event);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("an event in time");
            self.unread.push_str(std::str::from_utf8(&chunk.ok().flatten()?).unwrap());
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => event.is_comment = true,
            "event" => value.clone_into(&mut event.name),
            "id" => value.clone_into(&mut event.id),
            "data" => event.data.push_str(value),
            "retry" => event.retry = value.parse().ok(),
            _ => panic!("no field of an event: {line}"),
        }
    }
    event
}
