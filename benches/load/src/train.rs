//! `train`: load that a profile of the server is taken from. It has the workloads that are measured, other requests that
//! clients send, and open streams of changes over every transport: what a profile lacks is compiled for size.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Result;
use clap::ValueEnum;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};

use crate::{
    load::{
        client::{Client, http},
        users::{Users, random_task},
        workload::{Load, Workload},
    },
    measurement::{Case, Subject},
    testbed::Testbed,
};

/// How many users have streams open and send the other requests.
const USERS: u32 = 20;

const SUBSCRIPTION: &str = "subscription { changes { items { ... on Task { id title version } ... on DeletedTask { id version } } cursor hasMore } }";

#[derive(clap::Args, Debug)]
pub struct Settings {
    /// The server, built to write a profile
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// How long each workload takes
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    seconds: u64,
}

pub async fn train(settings: Settings) -> Result<()> {
    let duration = Duration::from_secs(settings.seconds);
    // It logs each request, as in production.
    let testbed = Testbed::start(&settings.server, duration, "info").await?;
    let streams = open_streams(testbed.product.address, &testbed.users).await?;
    for &workload in Workload::value_variants() {
        for subject in [Subject::Rest, Subject::GraphQl] {
            testbed.measure(Case { subject, workload, load: Load::Few }, None).await?;
        }
    }
    send_other_requests(testbed.product.address, &testbed.users, duration).await?;
    drop(streams);
    testbed.product.stop()
}

/// Streams of changes over server-sent events, of REST and of GraphQL, and over WebSockets, until they are dropped.
async fn open_streams(address: SocketAddr, users: &Users) -> Result<JoinSet<()>> {
    let mut streams = JoinSet::new();
    for token in (0..USERS).map(|user| users.token(user)) {
        let changes = http("GET", "/api/tasks/changes?cursor=latest", token, "");
        let subscription = http("POST", "/graphql", token, &json!({ "query": SUBSCRIPTION }).to_string());
        let upgrade = "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
        let init = json!({ "type": "connection_init", "payload": { "token": token } }).to_string();
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": SUBSCRIPTION } }).to_string();
        for opening in [
            with_header("Accept: text/event-stream", &changes).into_bytes(),
            with_header("Accept: text/event-stream", &subscription).into_bytes(),
            [upgrade.as_bytes(), &text_frame(&init)?, &text_frame(&subscribe)?].concat(),
        ] {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(&opening).await?;
            streams.spawn(async move {
                let mut received = [0; 4096];
                while stream.read(&mut received).await.is_ok_and(|count| count > 0) {}
            });
        }
    }
    Ok(streams)
}

/// Sends what is not measured, one request after the other. Some are meant to be rejected.
async fn send_other_requests(address: SocketAddr, users: &Users, duration: Duration) -> Result<()> {
    let started = Instant::now();
    let mut client = Client::connect(address).await?;
    for user in (0..USERS).cycle().take_while(|_| started.elapsed() <= duration) {
        for request in other_requests(users.token(user), user) {
            // This client fails where a response has no body, or closes the connection.
            if client.send(&request).await.is_err() {
                client = Client::connect(address).await?;
            }
        }
    }
    Ok(())
}

fn other_requests(token: &str, user: u32) -> Vec<String> {
    let get = |path: &str| http("GET", path, token, "");
    let graphql = |query: &str| http("POST", "/graphql", token, &json!({ "query": query }).to_string());
    let (updated, deleted) = (random_task(user), random_task(user));
    let task = format!("/api/tasks/{updated}");
    let create = http("POST", "/api/tasks", token, &json!({ "title": "Buy bread" }).to_string());
    let key = format!("Idempotency-Key: {}", fastrand::u32(..));
    vec![
        get("/api/tasks?status=pending&sort=-title&search=a&count=true"),
        get("/api/tasks?sort=updated&offset=20&limit=50&envelope=true"),
        get("/api/tasks/changes?limit=50"),
        get("/api/tasks/changes?cursor=latest"),
        with_header("If-None-Match: \"1\"", &get(&task)),
        with_header("Origin: http://127.0.0.1:3000", &get("/api/tasks?limit=5")),
        http("PATCH", &task, token, &json!({ "title": "Buy butter", "description": null }).to_string()),
        with_header("If-Match: \"999\"", &http("PATCH", &task, token, &json!({ "completed": true }).to_string())),
        with_header(&key, &create),
        with_header(&key, &create),
        http("POST", "/api/tasks", token, &json!({ "title": "" }).to_string()),
        http("POST", "/api/tasks/bulk", token, &json!({ "complete": [updated] }).to_string()),
        http("DELETE", &format!("/api/tasks/{deleted}"), token, ""),
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
            "mutation {{ updateTask(id: \"{updated}\", input: {{ title: \"Buy cheese\" }}) {{ id version }} }}"
        )),
        graphql(&format!(
            "mutation {{ setTaskCompleted(id: \"{updated}\", completed: true) {{ id }} deleteTask(id: \"{deleted}\") {{ id }} }}"
        )),
        graphql("{ tasks { nothing } }"),
    ]
}

/// A request with one more header, before all others.
fn with_header(header: &str, request: &str) -> String {
    request.replacen("\r\n", &format!("\r\n{header}\r\n"), 1)
}

/// A WebSocket text frame, masked with zeros.
fn text_frame(text: &str) -> Result<Vec<u8>> {
    let [high, low] = u16::try_from(text.len())?.to_be_bytes();
    Ok([&[0x81, 0xfe, high, low, 0, 0, 0, 0], text.as_bytes()].concat())
}
