//! A user's stream of changes, through any of the outlets.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    events::Events,
    socket::{Socket, subscribe},
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

    /// The next page, as the outlet has it.
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

/// The tasks of a page, and what is left of deleted ones.
pub fn items(page: &Value) -> impl Iterator<Item = &Value> {
    let items = page.get("items").or(page.get("changes")).and_then(Value::as_array).unwrap_or_else(|| panic!("{page}"));
    items.iter().map(|item| item.get("task").or(item.get("deleted")).unwrap_or(item))
}
