//! GraphQL clients that mean harm, or send what no client should, over real sockets.

use std::{fs, sync::Arc};

use futures::future::join_all;
use serde_json::{Value, json};
use tandem::{
    graphql::{DocumentPolicy, TrustMode, TrustedDocuments},
    http::streams::StreamLimits,
};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::MaybeTlsStream;

use crate::{
    skip,
    support::{App, User, check_all, http_client, server::Server, socket::Socket, token},
};

const KIB: usize = 1024;

#[tokio::test]
async fn an_event_without_data_has_an_empty_data_line() {
    let url = App::new().await.listen().await;
    for document in ["{ me { id } }", "subscription { changes(after: \"garbage\") { cursor } }"] {
        let request = http_client().post(format!("{url}/graphql")).bearer_auth(token("ann"));
        let request = request.header("accept", "text/event-stream").json(&json!({ "query": document }));
        let events = request.send().await.unwrap().text().await.unwrap();
        // HTML, section 9.2.6: an event whose data is empty for want of a `data` line is not dispatched.
        assert!(events.ends_with("\n\nevent: complete\ndata:\n\n"), "{events:?}");
    }
}

#[tokio::test]
async fn a_message_of_any_size_above_the_limit_closes_with_1009() {
    const LIMIT: usize = 4 * KIB;
    let streams = StreamLimits { message: LIMIT, ..StreamLimits::default() };
    let url = App::builder().streams(streams).build().await.listen().await;
    check_all([LIMIT + 1, 2 * LIMIT, 2 * LIMIT + 1, 100 * KIB, 20 * KIB * KIB], async |size| {
        for mut socket in [Socket::open(&url).await, Socket::of(&url, "ann").await] {
            socket.send_text(" ".repeat(size)).await;
            assert_eq!(socket.closed().await, Some(1009), "{size} bytes");
        }
    })
    .await;
}

/// Creates tasks whose descriptions are as long as they may be.
async fn create_long(user: &User, tasks: usize) {
    let inputs: Vec<_> = (0..tasks).map(|_| json!({ "title": "x", "description": "\u{1F600}".repeat(1000) })).collect();
    for inputs in inputs.chunks(15) {
        let create = "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id } }";
        user.graphql(create).variables(json!({ "inputs": inputs })).await.data();
    }
}

#[tokio::test]
async fn the_responses_to_a_batch_have_one_budget_of_bytes() {
    let app = App::new().await;
    let ann = app.user("ann");
    create_long(&ann, 500).await;
    let operation = json!({ "query": "{tasks(limit:500){a:description b:description c:description}}" });
    let batch = ann.post("/graphql", json!(vec![operation; 10])).await;
    let bytes = batch.text.len();
    assert!(bytes <= 9 * KIB * KIB, "{} KiB", bytes / KIB);
    let (served, refused): (Vec<_>, Vec<_>) =
        batch.json.as_array().unwrap().iter().partition(|reply| reply.get("errors").is_none());
    assert!(!served.is_empty() && !refused.is_empty());
    for reply in refused {
        assert_eq!(reply["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{reply}");
    }
}

#[tokio::test]
async fn documents_are_learned_up_to_a_number_of_bytes_and_executed_beyond_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("documents.json");
    let trusted = Some(Arc::new(TrustedDocuments::open(&file, TrustMode::Learn).unwrap()));
    let app = App::builder().documents(DocumentPolicy { trusted, by_hash: true }).build().await;
    for number in 0..50 {
        let document = format!("{{ me {{ id }} }} # {number} {}", "x".repeat(60_000));
        assert_eq!(app.user("ann").graphql(document).await.data()["me"]["id"], "ann");
    }
    let learned: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let bytes: usize = learned.as_object().unwrap().values().map(|document| document.as_str().unwrap().len()).sum();
    assert!((KIB * KIB..=2 * KIB * KIB).contains(&bytes), "{bytes}");
}

fn tcp(socket: &mut Socket) -> &mut TcpStream {
    let MaybeTlsStream::Plain(tcp) = socket.stream.get_mut() else { panic!("TLS") };
    tcp
}

#[tokio::test(flavor = "multi_thread")]
async fn little_is_buffered_for_a_socket_before_its_client_is_known() {
    const SOCKETS: usize = 4096;
    let settings = [("MAX_CONNECTIONS", "5000"), ("MAX_CONNECTIONS_PER_ADDRESS", "0"), ("SOCKET_INIT_TIMEOUT", "10m")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(Socket::open(&server.url()).await);
    }
    let before = server.memory();
    // A text message of 65,000 bytes with a mask of zeros, but for its last byte.
    let message = [vec![0x81, 0xfe, 0xfd, 0xe8, 0, 0, 0, 0], vec![b' '; 64_999]].concat();
    let (first, rest) = message.split_at(4000);
    for socket in &mut sockets {
        tcp(socket).write_all(first).await.unwrap();
    }
    let codes = sockets.iter_mut().map(async |socket| {
        // The server may have closed the socket by now.
        let _ = tcp(socket).write_all(rest).await;
        socket.closed().await
    });
    let codes = join_all(codes).await;
    let grown = server.peak_memory().saturating_sub(before);
    assert!(codes.iter().all(|code| *code == Some(1009)), "{codes:?}");
    // 4 KiB in whole pages, and what it takes to close the socket: about 7 KiB.
    assert!(grown <= SOCKETS * 16, "{SOCKETS} sockets took {grown} KiB more");
}

#[tokio::test]
async fn an_operation_without_quota_is_refused_before_its_document_is_read() {
    let settings = [("RATE_LIMIT_PER_USER", "10"), ("METRICS_LISTEN", "127.0.0.1:0"), ("GRAPHQL_MAX_ALIASES", "0")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let too_expensive = "{ a: me { id } }";
    let mut socket = Socket::of(&server.url(), "ann").await;
    let errors = socket.run("1", too_expensive, json!({})).await;
    assert_eq!(errors[0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let errors = socket.run("1", too_expensive, json!({})).await;
    assert_eq!(errors[0]["extensions"]["code"], "RATE_LIMITED");
    let request = http_client().post(format!("{}/graphql", server.url())).bearer_auth(token("ann"));
    assert_eq!(request.json(&json!({ "query": too_expensive })).send().await.unwrap().status(), 429);
    let metrics = reqwest::get(format!("http://{}/metrics", server.metrics.unwrap())).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let checked = metrics.lines().find_map(|line| line.strip_prefix(r#"tandem_limits_hit_total{limit="cost"} "#));
    assert_eq!(checked, Some("1"), "documents whose cost was checked");
}

#[tokio::test]
async fn a_socket_whose_operations_are_refused_again_and_again_is_closed() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_USER", "10")]).await else { skip!(Postgres) };
    let mut socket = Socket::of(&server.url(), "ann").await;
    assert_eq!(socket.run("1", "{ me { id } }", json!({})).await["data"]["me"]["id"], "ann");
    for _ in 0..100 {
        socket.subscribe("1", "{ me { id } }", json!({})).await;
        match socket.message().await {
            Ok(refused) => assert_eq!(refused["payload"][0]["extensions"]["code"], "RATE_LIMITED"),
            Err(code) => return assert_eq!(code, Some(1013)),
        }
    }
    panic!("it was never closed");
}

#[tokio::test]
async fn messages_on_a_socket_count_for_its_address() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_ADDRESS", "50")]).await else { skip!(Postgres) };
    let mut socket = Socket::of(&server.url(), "ann").await;
    for pings in 0..100 {
        socket.send(json!({ "type": "ping" })).await;
        match socket.message().await {
            Ok(pong) => assert_eq!(pong, json!({ "type": "pong" })),
            Err(code) => {
                assert_eq!(code, Some(1013));
                assert!(pings >= 40, "{pings}");
                let request = http_client().get(format!("{}/api/tasks", server.url())).bearer_auth(token("ann"));
                assert_eq!(request.send().await.unwrap().status(), 429);
                return;
            }
        }
    }
    panic!("it was never closed");
}

/// Executes an operation as ann.
async fn run(server: &Server, document: &str, variables: Value) -> Value {
    let request = http_client().post(format!("{}/graphql", server.url())).bearer_auth(token("ann"));
    let body = json!({ "query": document, "variables": variables });
    request.json(&body).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_many_subscriptions_take_little_memory() {
    const SUBSCRIPTIONS: usize = 16;
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    let mut ids = Vec::new();
    for _ in 0..10 {
        let inputs = vec![json!({ "title": "x", "description": "\u{1F600}".repeat(1000) }); 10];
        let create = "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id } }";
        let created = run(&server, create, json!({ "inputs": inputs })).await;
        ids.extend(created["data"]["createTasks"].as_array().unwrap().iter().map(|task| task["id"].clone()));
    }
    let subscription = |fields: &str| {
        format!("subscription {{ changes(after: \"latest\") {{ items {{ ... on Task {{ {fields} }} }} }} }}")
    };
    let aliases: Vec<_> = (0..10).map(|number| format!("a{number}: description")).collect();
    let mut socket = Socket::of(&server.url(), "ann").await;
    for id in 0..SUBSCRIPTIONS {
        socket.subscribe(&id.to_string(), &subscription(&aliases.join(" ")), json!({})).await;
        assert_eq!(socket.next().await["type"], "next");
    }
    let mut other = Socket::of(&server.url(), "ann").await;
    other
        .subscribe("all", &subscription("id title description completed version createdAt updatedAt"), json!({}))
        .await;
    other.next().await;
    let before = server.memory();
    let complete = "mutation($ids: [ID!]!) { completeTasks(ids: $ids) { count } }";
    assert!(run(&server, complete, json!({ "ids": ids })).await.get("errors").is_none());
    for _ in 0..SUBSCRIPTIONS {
        let event = socket.next().await;
        assert_eq!(event["payload"][0]["extensions"]["code"], "BAD_USER_INPUT", "an event of 4 MB");
    }
    let grown = server.peak_memory().saturating_sub(before);
    assert!(grown <= 24 * KIB, "{grown} KiB");
    let items = other.next().await["payload"]["data"]["changes"]["items"].take();
    assert_eq!(items.as_array().unwrap().len(), 100, "an event with each field once");
}
