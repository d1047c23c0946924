//! Load that a profile of the server is taken from: the workloads that are measured, what clients ask for besides, and
//! followers of the change feed by every outlet. What is not in a profile is compiled for size.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Result;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};

use crate::{
    load::client::Client,
    load::users::{Users, random_task},
    load::workload::http,
    testbed::Session,
};

/// Who follows their feed, and asks for whatever is not measured.
const USERS: u32 = 20;

#[derive(clap::Args, Debug)]
pub struct Settings {
    /// The server, built to write a profile
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// How long each workload takes
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    seconds: u64,
}

/// Loads a server, and stops it so that it writes its profile.
pub async fn train(settings: Settings) -> Result<()> {
    let duration = Duration::from_secs(settings.seconds);
    // It logs each request, as it does in service.
    Session::start(&settings.server, duration, "info").await?.train().await
}

/// Follows the feeds of some users until the answer is dropped.
pub async fn follow(address: SocketAddr, users: &Users) -> Result<JoinSet<()>> {
    let mut followers = JoinSet::new();
    for token in (0..USERS).map(|user| users.token(user)) {
        let events = with("Accept: text/event-stream", &http("GET", "/api/tasks/changes?cursor=latest", token, ""));
        let subscription = json!({ "query": SUBSCRIPTION }).to_string();
        let subscribed = with("Accept: text/event-stream", &http("POST", "/graphql", token, &subscription));
        let init = json!({ "type": "connection_init", "payload": { "token": token } });
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": SUBSCRIPTION } });
        let upgrade = "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
        let socket = [upgrade.as_bytes(), &frame(&init.to_string()), &frame(&subscribe.to_string())].concat();
        for opening in [events.into_bytes(), subscribed.into_bytes(), socket] {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(&opening).await?;
            followers.spawn(async move {
                let mut received = [0; 4096];
                while stream.read(&mut received).await.is_ok_and(|count| count > 0) {}
            });
        }
    }
    Ok(followers)
}

const SUBSCRIPTION: &str = "subscription { changes { items { ... on Task { id title version } ... on DeletedTask { id version } } cursor hasMore } }";

/// Asks for everything that is not measured, one after the other. What is refused is meant to be.
pub async fn ask_besides(address: SocketAddr, users: &Users, duration: Duration) -> Result<()> {
    let begun = Instant::now();
    let mut client = Client::connect(address).await?;
    for user in (0..USERS).cycle() {
        for request in besides(users.token(user), user) {
            // Answers without a body, and those that close the connection, are errors to this client.
            if client.send(request.as_bytes()).await.is_err() {
                client = Client::connect(address).await?;
            }
        }
        if begun.elapsed() > duration {
            break;
        }
    }
    Ok(())
}

fn besides(token: &str, user: u32) -> Vec<String> {
    let get = |path: &str| http("GET", path, token, "");
    let graphql = |query: &str| http("POST", "/graphql", token, &json!({ "query": query }).to_string());
    let (one, other) = (random_task(user), random_task(user));
    let task = format!("/api/tasks/{one}");
    let create = http("POST", "/api/tasks", token, &json!({ "title": "Buy bread" }).to_string());
    let key = format!("Idempotency-Key: {}", fastrand::u32(..));
    vec![
        get("/api/tasks?status=pending&sort=-title&search=a&count=true"),
        get("/api/tasks?sort=updated&offset=20&limit=50&envelope=true"),
        get("/api/tasks/changes?limit=50"),
        get("/api/tasks/changes?cursor=latest"),
        with("If-None-Match: \"1\"", &get(&task)),
        with("Origin: http://127.0.0.1:3000", &get("/api/tasks?limit=5")),
        http("PATCH", &task, token, &json!({ "title": "Buy butter", "description": null }).to_string()),
        with("If-Match: \"999\"", &http("PATCH", &task, token, &json!({ "completed": true }).to_string())),
        with(&key, &create),
        with(&key, &create),
        http("POST", "/api/tasks", token, &json!({ "title": "" }).to_string()),
        http("POST", "/api/tasks/bulk", token, &json!({ "complete": [one] }).to_string()),
        http("DELETE", &format!("/api/tasks/{other}"), token, ""),
        get("/api/tasks/nothing"),
        http("GET", "/api/tasks", "no.token.atall", ""),
        graphql(
            "{ me { taskCounts { all pending completed } } tasks(search: \"a\", status: PENDING, sort: TITLE_ASC) { id } }",
        ),
        graphql(
            "{ tasksConnection(last: 10, sort: UPDATED_DESC) { totalCount edges { cursor node { ...T } } pageInfo { hasPreviousPage startCursor } } } fragment T on Task { id title completed }",
        ),
        graphql("{ changes(first: 50) { items { ... on Task { id version } } cursor hasMore reset } }"),
        graphql(&format!(
            "mutation {{ updateTask(id: \"{one}\", input: {{ title: \"Buy cheese\" }}) {{ id version }} }}"
        )),
        graphql(&format!(
            "mutation {{ setTaskCompleted(id: \"{one}\", completed: true) {{ id }} deleteTask(id: \"{other}\") {{ id }} }}"
        )),
        graphql("{ tasks { nothing } }"),
    ]
}

/// The same request with another header.
fn with(header: &str, request: &str) -> String {
    request.replacen("\r\n", &format!("\r\n{header}\r\n"), 1)
}

/// A text for a WebSocket, masked with zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    [&[0x81, 0xfe, high, low, 0, 0, 0, 0], text.as_bytes()].concat()
}
