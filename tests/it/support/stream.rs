//! A user's stream of changes, through any of the outlets.

use std::time::Duration;

use futures::SinkExt;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::{
    events::Events,
    http_client,
    replica::{in_rest_words, subscription},
    socket::{Socket, init, subscribe},
};

/// How long to wait for a page, on any machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The subscription of GraphQL's streams.
pub const CHANGES: &str = "subscription($after: String) { changes(after: $after) { \
    items { ... on Task { id title version } ... on DeletedTask { id version } } cursor hasMore reset } }";

pub const OUTLETS: [&str; 3] = ["websocket", "graphql_sse", "rest_sse"];

pub enum Stream {
    Socket(Socket),
    GraphqlSse(Events),
    RestSse(Events),
}

impl Stream {
    pub async fn open(outlet: &str, url: &str, token: &str, after: Option<&str>) -> Self {
        let operation = json!({ "query": CHANGES, "variables": { "after": after } });
        match outlet {
            "websocket" => {
                let mut socket = Socket::let_in(url, token).await;
                socket.send(subscribe("1", operation)).await;
                Self::Socket(socket)
            }
            "graphql_sse" => Self::GraphqlSse(Events::graphql(url, token, &operation).await),
            _ => {
                let query = after.map(|after| format!("?cursor={after}")).unwrap_or_default();
                Self::RestSse(Events::rest(url, token, &query, &[]).await)
            }
        }
    }

    /// One through each outlet, past its first page.
    pub async fn open_all(url: &str, token: &str) -> Vec<Self> {
        let mut streams = Vec::new();
        for outlet in OUTLETS {
            let mut stream = Self::open(outlet, url, token, None).await;
            stream.next().await;
            streams.push(stream);
        }
        streams
    }

    /// Opened by a client that tolerates failures, for whole tasks: `None` if the server is away or overloaded.
    pub async fn dial(outlet: &str, url: &str, token: &str, after: Option<&str>) -> Option<Self> {
        let operation = json!({ "query": subscription(), "variables": { "after": after } });
        if outlet == "websocket" {
            let mut socket =
                Socket::with(url, "/graphql", &[("sec-websocket-protocol", "graphql-transport-ws")]).await.ok()?;
            socket.stream.send(Message::text(init(token).to_string())).await.ok()?;
            if socket.message().await.ok()? != json!({ "type": "connection_ack" }) {
                return None;
            }
            socket.stream.send(Message::text(subscribe("1", operation).to_string())).await.ok()?;
            return Some(Self::Socket(socket));
        }
        let http = http_client();
        let request = if outlet == "graphql_sse" {
            http.post(format!("{url}/graphql")).json(&operation)
        } else {
            let query = after.map(|after| format!("?cursor={after}")).unwrap_or_default();
            http.get(format!("{url}/api/tasks/changes{query}"))
        };
        let response = request.bearer_auth(token).header("accept", "text/event-stream").send().await.ok()?;
        match response.status().as_u16() {
            200 if outlet == "graphql_sse" => Some(Self::GraphqlSse(Events::of(response))),
            200 => Some(Self::RestSse(Events::of(response))),
            503 | 504 => None,
            _ => panic!("{response:?}"),
        }
    }

    /// The next page of a stream that was [dialed](Self::dial), in REST's format; `None` at its end.
    pub async fn try_page(&mut self) -> Option<Value> {
        let mut told = match self {
            Self::Socket(socket) => socket.message().await.ok()?["payload"].take(),
            Self::GraphqlSse(events) => events.next().await.filter(|event| event.name == "next")?.json(),
            Self::RestSse(events) => return Some(events.next().await.filter(|event| event.name == "changes")?.json()),
        };
        let data = told.get_mut("data")?.take();
        (!data["changes"].is_null()).then(|| in_rest_words(&data))
    }

    /// The next page, in the outlet's format.
    pub async fn page(&mut self) -> Value {
        let page = async {
            match self {
                Self::Socket(socket) => socket.next().await["payload"]["data"]["changes"].take(),
                Self::GraphqlSse(events) => events.next().await.expect("an event").json()["data"]["changes"].take(),
                Self::RestSse(events) => events.next().await.expect("an event").json(),
            }
        };
        timeout(PATIENCE, page).await.expect("a page in time")
    }

    /// The next page: the titles of its tasks and the ids of deleted ones, and its cursor.
    pub async fn next(&mut self) -> (Vec<String>, String) {
        let page = self.page().await;
        let name = |item: &Value| item.get("title").unwrap_or(&item["id"]).as_str().unwrap().to_owned();
        (items(&page).map(name).collect(), page["cursor"].as_str().unwrap().to_owned())
    }
}

/// The tasks and deletions of a page.
pub fn items(page: &Value) -> impl Iterator<Item = &Value> {
    let items = page.get("items").or(page.get("changes")).and_then(Value::as_array).unwrap_or_else(|| panic!("{page}"));
    items.iter().map(|item| item.get("task").or(item.get("deleted")).unwrap_or(item))
}
