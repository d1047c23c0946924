//! Rate limits by user and by address. The binary itself, over sockets.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    skip,
    support::{
        server::{Client, RawAnswer, Server},
        token,
    },
};

/// A request for a list; more headers end in line breaks.
fn list(token: &str, headers: &str) -> String {
    format!("GET /api/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
}

fn graphql(user: &str, document: &str) -> String {
    post(user, "/graphql", &json!({ "query": document }))
}

fn post(user: &str, path: &str, body: &Value) -> String {
    let (token, body) = (token(user), body.to_string());
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn from(address: &str) -> String {
    format!("x-forwarded-for: {address}\r\n")
}

async fn status(client: &mut Client, request: String) -> u16 {
    client.ask(request).await.status
}

fn assert_limited(answer: &RawAnswer, limit: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(answer.header("ratelimit-limit"), limit);
    assert_eq!(answer.header("ratelimit-remaining"), "0");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(answer.header("ratelimit-reset"), answer.header("retry-after"));
}

#[tokio::test]
async fn a_user_above_the_limit_is_refused_by_both_doors_and_others_are_served() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_USER", "60")]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    for _ in 0..6 {
        assert_eq!(status(&mut client, list(&token("ann"), "")).await, 200);
    }
    assert_limited(&client.ask(list(&token("ann"), "")).await, "60");
    assert_limited(&client.ask(graphql("ann", "{ me { id } }")).await, "60");
    assert_eq!(status(&mut client, list(&token("bob"), "")).await, 200);
}

#[tokio::test]
async fn a_graphql_request_costs_what_its_root_fields_do() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_USER", "100")]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    let fields: Vec<_> = (0..8).map(|index| format!("f{index}: tasks {{ id }}")).collect();
    let costly = format!("{{ {} }}", fields.join(" "));
    assert_eq!(status(&mut client, graphql("ann", &costly)).await, 200);
    assert_limited(&client.ask(graphql("ann", &costly)).await, "100");
    for _ in 0..10 {
        assert_eq!(status(&mut client, graphql("bob", "{ me { id } }")).await, 200);
    }
    assert_limited(&client.ask(graphql("bob", "{ me { id } }")).await, "100");
}

#[tokio::test]
async fn a_change_to_many_tasks_costs_a_point_for_each_through_both_doors() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_USER", "100")]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    let tasks = vec![json!({ "title": "x" }); 50];
    let bulk = json!({ "create": tasks });
    let inputs = vec!["{ title: \"x\" }"; 50].join(" ");
    let mutation = json!({ "query": format!("mutation {{ createTasks(inputs: [{inputs}]) {{ id }} }}") });
    let many = vec![Uuid::now_v7(); 50];
    let restore = "mutation($ids: [ID!]!) { restoreTasks(ids: $ids) { count } }";
    let restore = json!({ "query": restore, "variables": { "ids": many } });
    let cases = [
        ("ann", "/api/tasks/bulk", bulk, 200),
        ("bob", "/graphql", mutation, 200),
        // None of them is there.
        ("eve", "/api/tasks/restore", json!({ "ids": many }), 404),
        ("joe", "/graphql", restore, 200),
    ];
    for (user, path, body, expected) in cases {
        assert_eq!(status(&mut client, post(user, path, &body)).await, expected, "{path}");
        assert_limited(&client.ask(post(user, path, &body)).await, "100");
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_costs_what_was_read_of_it() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_USER", "60"), ("GRAPHQL_MAX_BATCH", "2")]).await else {
        skip!(Postgres)
    };
    let mut client = server.connect().await;
    let operation = json!({ "query": "{ me { id } }" });
    let batches = [
        ("ann", json!(vec![operation.clone(); 3]), 400, 6),
        ("bob", json!([operation, { "query": format!("{{ {} }}", "me { id } ".repeat(400)) }]), 400, 6),
    ];
    for (user, batch, refused, times) in batches {
        for _ in 0..times {
            assert_eq!(status(&mut client, post(user, "/graphql", &batch)).await, refused, "{user}");
        }
        assert_limited(&client.ask(post(user, "/graphql", &batch)).await, "60");
    }
}

#[tokio::test]
async fn a_write_above_the_limit_is_refused_before_its_body_and_leaves_its_connection_usable() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_USER", "10")]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    assert_eq!(status(&mut client, list(&token("ann"), "")).await, 200);
    for _ in 0..3 {
        let head = list(&token("ann"), "content-type: application/json\r\ncontent-length: 1000\r\n");
        assert_limited(&client.ask(head.replace("GET", "POST")).await, "10");
        client.send([b' '; 1000]).await;
        assert_eq!(status(&mut client, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()).await, 200);
    }
}

#[tokio::test]
async fn an_address_above_the_limit_is_refused_whoever_asks() {
    let settings = [("RATE_LIMIT_PER_ADDRESS", "3"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    for user in ["ann", "bob", "cat"] {
        assert_eq!(status(&mut client, list(&token(user), &from("1.1.1.1, 198.51.100.1"))).await, 200);
    }
    assert_limited(&client.ask(list(&token("dan"), &from("2.2.2.2, 198.51.100.1"))).await, "3");
    assert_eq!(status(&mut client, list(&token("dan"), &from("198.51.100.2"))).await, 200);
    let probe = format!("GET /livez HTTP/1.1\r\nhost: x\r\n{}\r\n", from("198.51.100.1"));
    assert_eq!(status(&mut client, probe).await, 200, "probes are not counted");
}

#[tokio::test]
async fn no_byte_in_a_forwarding_header_makes_a_client_unlimited() {
    let settings = [("RATE_LIMIT_PER_ADDRESS", "3"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    for forged in ["\u{e9}, 198.51.100.1", "\u{e9}"] {
        for _ in 0..3 {
            assert_eq!(status(&mut client, list(&token("ann"), &from(forged))).await, 200);
        }
        assert_limited(&client.ask(list(&token("ann"), &from(forged))).await, "3");
    }
}

#[tokio::test]
async fn bad_tokens_lock_nobody_out_who_shares_an_unnamed_proxy() {
    let Some(server) = Server::with(&[("RATE_LIMIT_REFUSED_TOKENS", "3")]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    for _ in 0..10 {
        assert_eq!(status(&mut client, list("bad", &from("198.51.100.1"))).await, 401);
    }
    for user in ["ann", "bob"] {
        assert_eq!(status(&mut client, list(&token(user), &from("198.51.100.2"))).await, 200);
    }
    assert_eq!(server.log().matches("name it in TRUSTED_PROXIES").count(), 1);
}

#[tokio::test]
async fn a_client_that_is_not_a_trusted_proxy_cannot_choose_its_address() {
    // By default no proxy is trusted, not even one on this machine.
    for proxies in ["192.0.2.1", ""] {
        let settings = [("RATE_LIMIT_PER_ADDRESS", "2"), ("TRUSTED_PROXIES", proxies)];
        let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
        let mut client = server.connect().await;
        for address in ["198.51.100.1", "198.51.100.2"] {
            assert_eq!(status(&mut client, list(&token("ann"), &from(address))).await, 200);
        }
        assert_limited(&client.ask(list(&token("ann"), &from("198.51.100.3"))).await, "2");
        let warnings = server.log().matches("name it in TRUSTED_PROXIES").count();
        assert_eq!(warnings, 1, "said once");
    }
}

#[tokio::test]
async fn refused_tokens_are_limited_by_address_and_good_ones_are_let_in() {
    let settings = [("RATE_LIMIT_REFUSED_TOKENS", "3"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    let here = from("198.51.100.1");
    let good = token("ann");
    assert_eq!(status(&mut client, list(&good, &here)).await, 200);
    let no_token = format!("GET /api/tasks HTTP/1.1\r\nhost: x\r\n{here}\r\n");
    for _ in 0..5 {
        assert_eq!(status(&mut client, no_token.clone()).await, 401);
    }
    for attempt in 0..3 {
        assert_eq!(status(&mut client, list(&format!("guess{attempt}"), &here)).await, 401);
    }
    assert_limited(&client.ask(list("guess", &here)).await, "3");
    assert_eq!(status(&mut client, list("guess", &from("198.51.100.2"))).await, 401);
    assert_eq!(status(&mut client, no_token).await, 401);
    assert_eq!(status(&mut client, list(&good, &here)).await, 200, "a token that is known to be good");
}
