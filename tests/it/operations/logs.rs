//! What a server logs of its requests, and what it must not log.

use serde_json::{Value, json};

use crate::{
    skip,
    support::{
        Lock, TestDb, eventually, http_client,
        instance::Instance,
        socket::{Socket, init},
        token,
    },
};

/// The lines with this message.
fn lines(server: &Instance, message: &str) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == message).collect()
}

#[tokio::test]
async fn a_request_leaves_one_line_with_its_id_and_a_hash_of_its_user() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let server = Instance::start(db.url(), &[("RUST_LOG", "info")]).await;
    let client = http_client();
    let get = client.get(format!("{}/api/ann/tasks", server.url()));
    get.bearer_auth(token("ann")).header("x-request-id", "the-first").send().await.unwrap();
    let post = client.post(format!("{}/graphql", server.url())).json(&json!({ "query": "query Named { me { id } }" }));
    post.bearer_auth(token("ann")).header("x-request-id", "the-second").send().await.unwrap();
    client.get(format!("{}/api/tasks", server.url())).header("x-request-id", "the-third").send().await.unwrap();
    eventually("three lines", async || lines(&server, "responded").len() == 3).await;
    let told: Vec<_> = lines(&server, "responded")
        .into_iter()
        .map(|line| {
            assert!(line["ms"].as_f64().unwrap() > 0.0, "{line}");
            json!([line["span"]["id"], line["method"], line["route"], line["status"], line["operation"], line["user"]])
        })
        .collect();
    // printf ann | sha256sum | cut -c1-12
    let ann = "49915e0d7d4b";
    let expected = [
        json!(["the-first", "GET", "/api/{user_id}/tasks", 200, null, ann]),
        json!(["the-second", "POST", "/graphql", 200, "me", ann]),
        json!(["the-third", "GET", "/api/tasks", 401, null, null]),
    ];
    assert_eq!(told, expected);
    assert!(!server.log().contains("\"ann\""), "{}", server.log());
}

#[tokio::test]
async fn an_operation_on_a_socket_leaves_a_line_with_the_id_of_the_request_that_opened_it() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let server = Instance::start(db.url(), &[("RUST_LOG", "info"), ("METRICS_LISTEN", "127.0.0.1:0")]).await;
    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("x-request-id", "the-socket")];
    let mut socket = Socket::with(&server.url(), "/graphql", &headers).await.unwrap();
    socket.send(init(&token("ann"))).await;
    socket.next().await;
    socket.run("1", "query Named { me { id } }", json!({})).await;
    socket.run("2", "{ nothing }", json!({})).await;
    socket.subscribe("3", "subscription { changes { cursor } }", json!({})).await;
    assert_eq!(socket.next().await["id"], "3");
    let told: Vec<_> = lines(&server, "responded")
        .into_iter()
        .map(|line| json!([line["span"]["id"], line["status"], line["operation"], line["user"]]))
        .collect();
    // printf ann | sha256sum | cut -c1-12
    let ann = "49915e0d7d4b";
    let expected = [
        json!(["the-socket", 101, null, null]),
        json!(["the-socket", 200, "me", ann]),
        json!(["the-socket", 400, null, ann]),
        json!(["the-socket", 200, "changes", ann]),
    ];
    assert_eq!(told, expected);
    let scrape = server.metrics().await;
    for (operation, status) in [("me", 200), ("none", 400), ("changes", 200), ("none", 101)] {
        let counted =
            format!("tandem_requests_total{{door=\"graphql\",operation=\"{operation}\",status=\"{status}\"}} 1\n");
        assert!(scrape.contains(&counted), "{counted} in {scrape}");
    }
}

#[tokio::test]
async fn a_slow_query_is_named_and_neither_titles_nor_tokens_are_in_the_log() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let settings = [("RUST_LOG", "debug"), ("SLOW_QUERY", "1ms"), ("STATEMENT_TIMEOUT", "1m")];
    let server = Instance::start(db.url(), &settings).await;
    let lock = Lock::table(&db).await;
    let client = http_client();
    let task = json!({ "title": "a private title", "description": "a private description" });
    let create = client.post(format!("{}/api/tasks", server.url())).json(&task).header("x-request-id", "the-slow-one");
    let release = async {
        lock.blocks(1).await;
        lock.release().await;
    };
    let (created, ()) = tokio::join!(create.bearer_auth(token("ann")).send(), release);
    assert_eq!(created.unwrap().status(), 201);
    let slow = async || lines(&server, "slow query").into_iter().find(|line| line["statement"] == "insert");
    eventually("the query is named", async || slow().await.is_some()).await;
    let line = slow().await.unwrap();
    assert_eq!((&line["span"]["id"], &line["level"]), (&json!("the-slow-one"), &json!("WARN")), "{line}");
    let log = server.log();
    for private in ["private title", "private description", token("ann").split('.').next_back().unwrap()] {
        assert!(!log.contains(private), "{private} in {log}");
    }
}
