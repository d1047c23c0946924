//! GraphQL over WebSocket: the protocol `graphql-transport-ws`, over real sockets.

use std::time::Duration;

use futures::SinkExt;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tandem::{
    auth::{KeySource, Timing},
    graphql::{DocumentPolicy, Limits, TrustMode, TrustedDocuments},
    http::streams::StreamLimits,
};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::{
    skip,
    support::{
        App, check_all, eventually,
        issuer::{Issuer, SigningKey, claims_of},
        server::Server,
        socket::{Socket, init, subscribe},
        token,
        token::expired,
    },
};

const ME: &str = "{ me { id } }";

fn ann_asks_who_she_is(id: &str) -> Value {
    subscribe(id, json!({ "query": ME }))
}

#[tokio::test]
async fn queries_and_mutations_run_on_both_paths_and_answer_as_over_http() {
    let app = App::new().await;
    let ann = app.user("ann");
    let url = app.listen().await;
    for path in ["/graphql", "/graphql/ws"] {
        let mut socket = Socket::with(&url, path, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
        socket.send(init(&token("ann"))).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        let create = "mutation($title: String!) { createTask(input: { title: $title }) { id title completed } }";
        let created = socket.run("1", create, json!({ "title": "ein \"Wort\" \\ 😀" })).await;
        assert_eq!(created["data"]["createTask"]["title"], "ein \"Wort\" \\ 😀");
        let list = "{ tasks { id title description version createdAt } me { id } t: task(id: \"nobody\") { id } }";
        let over_http = ann.graphql(list).await.json;
        assert_eq!(socket.run("1", list, json!({})).await, over_http, "the id is free again");
        for wrong in ["{ nothing }", "{", "{ me { id } } query B { me { id } }"] {
            let errors = socket.run("e", wrong, json!({})).await;
            assert_eq!(errors, ann.graphql(wrong).await.json["errors"], "{wrong}");
        }
        socket.send(json!({ "type": "ping", "payload": { "data": 1 } })).await;
        assert_eq!(socket.next().await, json!({ "type": "pong", "payload": { "data": 1 } }));
        socket.send(json!({ "type": "complete", "id": "ended long ago" })).await;
        socket.send(json!({ "type": "pong" })).await;
        assert_eq!(socket.run("2", ME, json!({})).await["data"]["me"]["id"], "ann", "neither was worth an answer");
    }
}

#[tokio::test]
async fn what_the_protocol_forbids_closes_the_socket_with_its_code() {
    let url = App::new().await.listen().await;
    let ack = || vec![init(&token("ann")).to_string()];
    let after_ack = |text: &str| [ack(), vec![text.to_owned()]].concat();
    let twice = ann_asks_who_she_is("1").to_string();
    let slow = subscribe("1", json!({ "query": "subscription { changes { cursor } }" })).to_string();
    let cases = [
        (vec![String::new()], 4400),
        (vec!["no JSON".to_owned()], 4400),
        (vec!["[]".to_owned()], 4400),
        (vec!["{}".to_owned()], 4400),
        (vec![r#"{"type":"start","id":"1","payload":{"query":"{ me { id } }"}}"#.to_owned()], 4400),
        (vec![r#"{"type":"connection_terminate"}"#.to_owned()], 4400),
        (vec![r#"{"type":"connection_init","payload":[]}"#.to_owned()], 4400),
        (after_ack(r#"{"type":"ping","payload":1}"#), 4400),
        (after_ack(r#"{"type":"complete"}"#), 4400),
        (after_ack(r#"{"type":"complete","id":1}"#), 4400),
        (after_ack(r#"{"type":"subscribe","id":"","payload":{"query":"{ me { id } }"}}"#), 4400),
        (after_ack(r#"{"type":"subscribe","payload":{"query":"{ me { id } }"}}"#), 4400),
        (after_ack(r#"{"type":"subscribe","id":"1"}"#), 4400),
        (after_ack(r#"{"type":"subscribe","id":"1","payload":{}}"#), 4400),
        (after_ack(r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#), 4400),
        (after_ack(r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#), 4400),
        (after_ack(r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","operationName":{}}}"#), 4400),
        (after_ack(&" ".repeat(StreamLimits::default().message + 1)), 1009),
        (vec![twice], 4401),
        ([ack(), ack()].concat(), 4429),
        ([ack(), vec![slow.clone(), slow]].concat(), 4409),
    ];
    check_all(cases, async |(texts, code)| {
        let mut socket = Socket::open(&url).await;
        for text in &texts {
            socket.send_text(text).await;
        }
        assert_eq!(socket.closed().await, Some(code), "{texts:?}");
    })
    .await;
    let mut socket = Socket::of(&url, "ann").await;
    socket.stream.send(Message::binary(ann_asks_who_she_is("1").to_string())).await.unwrap();
    assert_eq!(socket.closed().await, Some(4400), "binary");
}

#[tokio::test]
async fn only_a_valid_token_is_accepted_wherever_it_is_sent() {
    let url = App::new().await.listen().await;
    let with_payload = |payload: Value| json!({ "type": "connection_init", "payload": payload });
    let good = token("ann");
    let bearer = format!("Bearer {good}");
    for payload in [
        json!({ "Authorization": bearer }),
        json!({ "authorization": bearer }),
        json!({ "authorization": good }),
        json!({ "token": good }),
        json!({ "token": bearer }),
        json!({ "headers": { "Authorization": bearer } }),
        json!({ "headers": { "authorization": good } }),
        json!({ "headers": { "Authorization": "x" }, "Authorization": bearer }),
    ] {
        let mut socket = Socket::open(&url).await;
        socket.send(with_payload(payload)).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        assert_eq!(socket.run("1", ME, json!({})).await, json!({ "data": { "me": { "id": "ann" } } }));
    }
    for payload in [
        json!({}),
        json!(null),
        json!({ "token": "x" }),
        json!({ "token": expired("ann") }),
        json!({ "token": 1 }),
        json!({ "headers": { "Authorization": expired("ann") } }),
        json!({ "headers": [bearer] }),
    ] {
        let mut socket = Socket::open(&url).await;
        socket.send(with_payload(payload.clone())).await;
        assert_eq!(socket.closed().await, Some(4403), "{payload}");
    }
    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("authorization", bearer.as_str())];
    let mut socket = Socket::with(&url, "/graphql", &headers).await.unwrap();
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
}

#[tokio::test]
async fn a_socket_without_the_subprotocol_is_closed_and_one_that_offers_it_among_others_speaks_it() {
    let url = App::new().await.listen().await;
    for headers in [&[][..], &[("sec-websocket-protocol", "graphql-ws")], &[("sec-websocket-protocol", "soap, wamp")]] {
        let mut socket = Socket::with(&url, "/graphql", headers).await.unwrap();
        assert_eq!(socket.closed().await, Some(4406), "{headers:?}");
    }
    let both = [("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")];
    let mut socket = Socket::with(&url, "/graphql", &both).await.unwrap();
    socket.send(init(&token("ann"))).await;
    assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
    socket.send(ann_asks_who_she_is("1")).await;
    assert_eq!(socket.only_answer("1").await, json!({ "data": { "me": { "id": "ann" } } }));
}

#[tokio::test]
async fn a_client_that_does_not_authenticate_in_time_is_disconnected() {
    let streams = StreamLimits { init_timeout: Duration::from_millis(50), ..StreamLimits::default() };
    let url = App::builder().streams(streams).build().await.listen().await;
    assert_eq!(Socket::open(&url).await.closed().await, Some(4408));
    let mut socket = Socket::open(&url).await;
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.closed().await, Some(4408), "a ping says nothing");
}

#[tokio::test]
async fn refused_tokens_are_limited_by_address() {
    let Some(server) = Server::with(&[("RATE_LIMIT_REFUSED_TOKENS", "3")]).await else { skip!(Postgres) };
    let url = server.url();
    // Verified before the last attempt: a token made a second later would be another one.
    let known = token("ann");
    let mut good = Socket::let_in(&url, &known).await;
    for (attempt, code) in [4403, 4403, 4403, 1013].into_iter().enumerate() {
        let mut socket = Socket::open(&url).await;
        socket.send(init(&format!("guess{attempt}"))).await;
        assert_eq!(socket.closed().await, Some(code), "attempt {attempt}");
    }
    assert_eq!(good.run("1", ME, json!({})).await["data"]["me"]["id"], "ann");
    Socket::let_in(&url, &known).await;
}

#[tokio::test]
async fn a_client_that_keeps_sending_still_gets_the_close_code() {
    let url = App::new().await.listen().await;
    let mut socket = Socket::of(&url, "ann").await;
    socket.stream.feed(Message::text("no JSON")).await.unwrap();
    for _ in 0..100 {
        socket.stream.feed(Message::text("x".repeat(10_000))).await.unwrap();
    }
    socket.stream.flush().await.unwrap();
    assert_eq!(socket.closed().await, Some(4400));
}

#[tokio::test]
async fn a_socket_ends_when_the_key_of_its_token_is_withdrawn() {
    let (key, other) = (SigningKey::new(Algorithm::EdDSA, "1"), SigningKey::new(Algorithm::EdDSA, "2"));
    let issuer = Issuer::start(&[&key, &other]).await;
    let often = Duration::from_millis(5);
    let timing = Timing { refresh: often, retry: often, cooldown: often, timeout: Duration::from_secs(20) };
    let streams = StreamLimits { heartbeat: Duration::from_millis(20), ..StreamLimits::default() };
    let sources: [KeySource; 1] = [issuer.source(timing)];
    let app = App::builder().trusting(sources).streams(streams).build().await;
    app.verifier.keep_keys_fresh();
    let url = app.listen().await;
    let mut socket = Socket::let_in(&url, &key.sign(&claims_of("ann"))).await;
    let mut others = Socket::let_in(&url, &other.sign(&claims_of("ann"))).await;
    issuer.publish(&[&other]);
    assert_eq!(socket.closed().await, Some(4403));
    assert_eq!(others.run("1", ME, json!({})).await["data"]["me"]["id"], "ann");
}

#[tokio::test]
async fn a_user_above_the_limit_of_sockets_is_asked_to_try_again_later_and_others_are_let_in() {
    let streams = StreamLimits { streams_per_user: 2, ..StreamLimits::default() };
    let url = App::builder().streams(streams).build().await.listen().await;
    let first = Socket::of(&url, "ann").await;
    let _second = Socket::of(&url, "ann").await;
    let mut third = Socket::open(&url).await;
    third.send(init(&token("ann"))).await;
    assert_eq!(third.closed().await, Some(1013));
    let _other = Socket::of(&url, "bob").await;
    drop(first);
    eventually("there is room again", async || {
        let mut socket = Socket::open(&url).await;
        socket.send(init(&token("ann"))).await;
        socket.stream.send(Message::Close(None)).await.is_ok() && socket.closed().await != Some(1013)
    })
    .await;
}

#[tokio::test]
async fn above_the_servers_limit_everyone_is_asked_to_try_again_later() {
    let streams = StreamLimits { streams: 1, ..StreamLimits::default() };
    let url = App::builder().streams(streams).build().await.listen().await;
    let _first = Socket::of(&url, "ann").await;
    let mut second = Socket::open(&url).await;
    second.send(init(&token("bob"))).await;
    assert_eq!(second.closed().await, Some(1013));
}

#[tokio::test]
async fn documents_have_the_same_limits_and_the_same_names_as_over_http() {
    let limits = Limits { root_fields: 1, ..Limits::default() };
    let url = App::builder().limits(limits).build().await.listen().await;
    let mut socket = Socket::of(&url, "ann").await;
    let refused = socket.run("1", "{ a: me { id } b: me { id } }", json!({})).await;
    assert_eq!(refused[0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trusted.json");
    std::fs::write(&file, json!({ "me": ME }).to_string()).unwrap();
    let trusted = Some(std::sync::Arc::new(TrustedDocuments::open(&file, TrustMode::Enforce).unwrap()));
    let documents = DocumentPolicy { trusted, by_hash: true };
    let url = App::builder().documents(documents).build().await.listen().await;
    let mut socket = Socket::of(&url, "ann").await;
    let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": "me" } });
    for payload in [json!({ "documentId": "me" }), json!({ "extensions": hash }), json!({ "query": ME })] {
        socket.send(subscribe("1", payload)).await;
        assert_eq!(socket.only_answer("1").await, json!({ "data": { "me": { "id": "ann" } } }));
    }
    for document in ["{ tasks { id } }", "subscription { changes { cursor } }"] {
        let refused = socket.run("1", document, json!({})).await;
        assert_eq!(refused[0]["extensions"]["code"], "PERSISTED_QUERY_NOT_IN_LIST");
    }
}

#[tokio::test]
async fn operations_on_a_socket_spend_their_users_quota() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_USER", "30")]).await else { skip!(Postgres) };
    let mut socket = Socket::of(&server.url(), "ann").await;
    for _ in 0..3 {
        assert_eq!(socket.run("1", ME, json!({})).await["data"]["me"]["id"], "ann");
    }
    assert_eq!(socket.run("1", ME, json!({})).await[0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_open_a_socket() {
    let Some(server) = Server::with(&[("CORS_ORIGINS", "https://app.example.com")]).await else { skip!(Postgres) };
    let url = server.url();
    for (origin, is_let_in) in
        [("https://app.example.com", true), (url.as_str(), true), ("https://evil.example.com", false), ("null", false)]
    {
        let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("origin", origin)];
        match Socket::with(&url, "/graphql", &headers).await {
            Ok(_) => assert!(is_let_in, "{origin}"),
            Err(Error::Http(response)) => assert_eq!((response.status().as_u16(), is_let_in), (403, false), "{origin}"),
            Err(error) => panic!("{origin}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_socket_outlives_the_limits_of_requests_and_counts_as_a_connection() {
    let settings = [
        ("MAX_CONNECTIONS", "1"),
        ("MAX_CONNECTIONS_PER_ADDRESS", "0"),
        ("HEADER_TIMEOUT", "20ms"),
        ("IDLE_TIMEOUT", "20ms"),
        ("REQUEST_TIMEOUT", "20ms"),
    ];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut socket = Socket::of(&server.url(), "ann").await;
    for _ in 0..20 {
        let list = format!("GET /api/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", token("ann"));
        assert_eq!(server.connect().await.ask(list).await.status, 503);
        assert_eq!(socket.run("1", "{ __typename }", json!({})).await["data"]["__typename"], "Query");
    }
}

#[tokio::test]
async fn a_client_that_answers_no_pings_is_disconnected() {
    let streams = StreamLimits { heartbeat: Duration::from_millis(20), ..StreamLimits::default() };
    let url = App::builder().streams(streams.clone()).build().await.listen().await;
    let mut alive = Socket::of(&url, "ann").await;
    // Reading responds to pings.
    let pings = async {
        use futures::StreamExt;
        for _ in 0..10 {
            assert!(matches!(alive.stream.next().await, Some(Ok(Message::Ping(_)))));
        }
    };
    tokio::time::timeout(crate::support::server::PATIENCE, pings).await.expect("pings");
    assert_eq!(alive.run("1", ME, json!({})).await["data"]["me"]["id"], "ann");

    let mut dead = Socket::of(&url, "ann").await;
    let tokio_tungstenite::MaybeTlsStream::Plain(tcp) = dead.stream.get_mut() else { panic!("TLS") };
    let mut bytes = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(tcp, &mut bytes);
    tokio::time::timeout(crate::support::server::PATIENCE, read).await.expect("the end").unwrap();
    // Two empty pings at most, and no close frame.
    assert!(matches!(bytes.as_slice(), [] | [0x89, 0] | [0x89, 0, 0x89, 0]), "{bytes:?}");
}
