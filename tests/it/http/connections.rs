//! Slow, silent and too many connections. The binary itself, over sockets.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    skip,
    support::{
        Lock,
        server::{PATIENCE, Server},
        token,
    },
};

/// A limit that a test exceeds.
const SHORT: &str = "300ms";
const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";

fn list(user: &str) -> String {
    format!("GET /api/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", token(user))
}

fn post(path: &str, length: usize) -> String {
    let token = token("ann");
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let Some(server) = Server::with(&[("HEADER_TIMEOUT", SHORT)]).await else { skip!(Postgres) };
    assert_eq!(server.connect().await.rest().await, b"");
}

#[tokio::test]
async fn a_half_sent_head_times_out() {
    let Some(server) = Server::with(&[("HEADER_TIMEOUT", SHORT)]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    client.send("GET /livez HTTP/1.1\r\nhost:").await;
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_half_sent_head_of_a_later_request_times_out() {
    let Some(server) = Server::with(&[("HEADER_TIMEOUT", SHORT)]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    assert_eq!(client.ask(LIVEZ).await.status, 200);
    client.send("GET /livez HTTP/1.1\r\nhost:").await;
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_connection_may_be_silent_between_requests_for_longer_than_a_head_may_take() {
    let settings = [("HEADER_TIMEOUT", "20ms"), ("IDLE_TIMEOUT", "1h")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    assert_eq!(client.ask(LIVEZ).await.status, 200);
    // Closed only if the limit for heads is mistaken for the idle one.
    let closed = timeout(Duration::from_millis(500), client.0.read_u8()).await;
    assert!(closed.is_err(), "{closed:?}");
    assert_eq!(client.ask(LIVEZ).await.status, 200);
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let settings = [("HEADER_TIMEOUT", "1s"), ("IDLE_TIMEOUT", SHORT)];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    assert_eq!(client.ask(LIVEZ).await.status, 200);
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_request_in_flight_keeps_its_connection_open() {
    let settings = [("HEADER_TIMEOUT", "20ms"), ("IDLE_TIMEOUT", "20ms")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let lock = Lock::table(&server.db).await;
    let mut client = server.connect().await;
    client.send(list("ann")).await;
    let closed = timeout(Duration::from_millis(500), client.0.read_u8()).await;
    assert!(closed.is_err(), "{closed:?}");
    lock.release().await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_slow_body_is_refused_in_the_format_of_its_door_and_the_connection_closed() {
    let Some(server) = Server::with(&[("BODY_TIMEOUT", SHORT)]).await else { skip!(Postgres) };
    for path in ["/api/tasks", "/graphql"] {
        let mut client = server.connect().await;
        client.send(post(path, 100)).await;
        client.send("{").await;
        let late = client.answer().await;
        assert_eq!((late.status, late.code().as_str()), (408, "BODY_TIMEOUT"), "{path}");
        assert_eq!(late.header("connection"), "close", "{path}");
        assert_eq!(client.rest().await, b"");
    }
}

#[tokio::test]
async fn a_body_sent_byte_by_byte_gets_no_extra_time() {
    let Some(server) = Server::with(&[("BODY_TIMEOUT", SHORT)]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    client.send(post("/api/tasks", 60_000)).await;
    let (mut from_server, mut to_server) = client.0.into_split();
    let mut other = server.connect().await;
    // Sends a byte for each response to another client: the body would take tens of thousands of them.
    let trickle = tokio::spawn(async move {
        while to_server.write_all(b" ").await.is_ok() {
            other.ask("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        }
    });
    let mut status = [0; 12];
    timeout(PATIENCE, from_server.read_exact(&mut status)).await.expect("an answer in time").unwrap();
    assert_eq!(&status, b"HTTP/1.1 408");
    trickle.abort();
}

#[tokio::test]
async fn an_idle_http2_connection_gets_goaway_and_is_closed() {
    let Some(server) = Server::with(&[("HEADER_TIMEOUT", SHORT)]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.send([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]).await;
    let frames = frames(&client.rest().await);
    assert!(frames.iter().any(|frame| frame.0 == GOAWAY), "{frames:?}");
    let settings = &frames.iter().find(|frame| frame.0 == SETTINGS).unwrap().1;
    let streams = settings.chunks(6).find(|setting| setting[..2] == MAX_CONCURRENT_STREAMS).unwrap();
    assert_eq!(streams[2..], 100_u32.to_be_bytes());
}

const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];

/// The kinds and payloads of HTTP/2 frames.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        frames.push((head[3], rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    frames
}

#[tokio::test]
async fn above_the_limit_connections_are_refused_at_once_and_health_checks_still_answered() {
    let settings = [("MAX_CONNECTIONS", "2"), ("MAX_CONNECTIONS_PER_ADDRESS", "0"), ("HSTS_MAX_AGE", "1m")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for client in [&mut first, &mut second] {
        assert_eq!(client.ask(list("ann")).await.status, 200);
    }
    for _ in 0..100 {
        let mut client = server.connect().await;
        let refused = client.ask(list("bob")).await;
        assert_eq!((refused.status, refused.code().as_str()), (503, "SERVICE_UNAVAILABLE"));
        assert_eq!((refused.header("connection"), refused.header("retry-after")), ("close", "1"));
        assert_eq!(client.rest().await, b"");
    }
    let refused = server.connect().await.ask(list("bob")).await;
    assert_eq!(refused.header("strict-transport-security"), "max-age=60");
    assert!(!refused.header("x-request-id").is_empty());
    let graphql = server.connect().await.ask(post("/graphql", 0)).await;
    assert_eq!((graphql.status, graphql.code().as_str()), (503, "SERVICE_UNAVAILABLE"));
    for path in ["/livez", "/readyz", "/health"] {
        let mut client = server.connect().await;
        let healthy = client.ask(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert_eq!((healthy.status, healthy.header("connection")), (200, "close"), "{path}");
        assert_eq!(client.rest().await, b"");
    }
    assert_eq!(first.ask(list("ann")).await.status, 200, "who is there already is served");
}

#[tokio::test]
async fn a_closed_connection_makes_room_for_another() {
    let Some(server) = Server::with(&[("MAX_CONNECTIONS", "1"), ("MAX_CONNECTIONS_PER_ADDRESS", "0")]).await else {
        skip!(Postgres)
    };
    let mut first = server.connect().await;
    assert_eq!(first.ask(list("ann")).await.status, 200);
    assert_eq!(server.connect().await.ask(list("ann")).await.status, 503);
    drop(first);
    let room = async { while server.connect().await.ask(list("ann")).await.status != 200 {} };
    timeout(PATIENCE, room).await.expect("room again");
}

#[tokio::test]
async fn silent_connections_above_the_limit_do_not_keep_health_checks_out_for_long() {
    let settings = [("MAX_CONNECTIONS", "1"), ("MAX_CONNECTIONS_PER_ADDRESS", "0"), ("HEADER_TIMEOUT", SHORT)];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut first = server.connect().await;
    assert_eq!(first.ask(LIVEZ).await.status, 200);
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(server.connect().await);
    }
    let healthy = async {
        loop {
            let mut client = server.connect().await;
            if client.0.write_all(LIVEZ.as_bytes()).await.is_ok() && matches!(client.0.read_u8().await, Ok(b'H')) {
                return;
            }
        }
    };
    timeout(PATIENCE, healthy).await.expect("room for a health check");
}

#[tokio::test]
async fn a_stop_closes_idle_connections_and_lets_requests_in_flight_end() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    let (mut idle, mut busy) = (server.connect().await, server.connect().await);
    assert_eq!(idle.ask(LIVEZ).await.status, 200);
    let lock = Lock::table(&server.db).await;
    busy.send(list("ann")).await;
    lock.blocks(1).await;
    server.signal("-TERM");
    assert_eq!(idle.rest().await, b"");
    lock.release().await;
    assert_eq!(busy.answer().await.status, 200);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let Some(server) = Server::with(&[("SHUTDOWN_TIMEOUT", "1h")]).await else { skip!(Postgres) };
    let (mut idle, mut busy) = (server.connect().await, server.connect().await);
    assert_eq!(idle.ask(LIVEZ).await.status, 200);
    let _lock = Lock::table(&server.db).await;
    busy.send(list("ann")).await;
    server.signal("-TERM");
    assert_eq!(idle.rest().await, b"");
    server.signal("-TERM");
    assert_eq!(server.ended().await, Some(130));
}
