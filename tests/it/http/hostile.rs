//! Clients that mean harm, over real sockets: what they may take of the server's memory and connections.

use std::net::IpAddr;

use futures::future::join_all;
use tokio::time::timeout;

use crate::{
    skip,
    support::{
        check_all, eventually, hostile,
        http2::WithoutWindow,
        server::{Client, PATIENCE, Server},
        token,
    },
};

const KIB: usize = 1024;
const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_requests_without_a_token_are_not_kept() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    let mut clients = Vec::new();
    for _ in 0..1000 {
        clients.push(server.connect().await);
    }
    for client in &mut clients {
        assert_eq!(client.ask(LIVEZ).await.status, 200);
    }
    let before = server.memory();
    for client in &mut clients {
        client.send(hostile::UNWANTED).await;
    }
    let pouring = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            assert_eq!(client.answer().await.status, 401);
            hostile::pour(&mut client).await;
            client
        })
    });
    let pouring: Vec<_> = pouring.collect();
    let mut clients = Vec::new();
    for poured in pouring {
        clients.push(poured.await.unwrap());
    }
    let grown = server.memory().saturating_sub(before);
    assert!(grown <= 8 * KIB, "1,000 connections without a token take {grown} KiB more");
}

#[tokio::test]
async fn one_address_takes_neither_all_connections_nor_the_probes() {
    let settings = [("MAX_CONNECTIONS", "40"), ("METRICS_LISTEN", "127.0.0.1:0")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let (greedy, other) = (IpAddr::from([127, 0, 0, 2]), IpAddr::from([127, 0, 0, 3]));
    let mut taken = Vec::new();
    for _ in 0..120 {
        taken.push(server.connect_from(greedy).await);
    }
    for _ in 0..30 {
        let mut probe = Client::to(server.metrics.unwrap(), other).await;
        assert_eq!(probe.ask(LIVEZ).await.status, 200);
        let mut client = server.connect_from(other).await;
        assert_eq!(client.ask("GET /api/tasks HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 401);
    }
    let mut is_served = 0;
    for client in &mut taken {
        is_served += usize::from(client.is_open().await);
    }
    assert_eq!(is_served, 10, "a quarter of all");
}

#[tokio::test]
async fn proxies_that_are_trusted_may_have_any_number_of_connections() {
    let settings = [("MAX_CONNECTIONS_PER_ADDRESS", "2"), ("TRUSTED_PROXIES", "127.0.0.2")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(server.connect_from([127, 0, 0, 2].into()).await);
    }
    for client in &mut clients {
        assert_eq!(client.ask(LIVEZ).await.status, 200);
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_makes_room_for_another_of_its_address() {
    let Some(server) = Server::with(&[("MAX_CONNECTIONS_PER_ADDRESS", "1")]).await else { skip!(Postgres) };
    for _ in 0..3 {
        eventually("room for the next one", async || {
            let mut client = server.connect().await;
            client.is_open().await
        })
        .await;
    }
}

#[tokio::test]
async fn the_port_of_metrics_tells_health_and_waits_for_nobody() {
    let Some(server) = Server::with(&[("METRICS_LISTEN", "127.0.0.1:0")]).await else { skip!(Postgres) };
    let mut client = Client::to(server.metrics.unwrap(), [127, 0, 0, 1].into()).await;
    for (path, status) in [("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/api/tasks", 404)] {
        let answer = client.ask(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert_eq!(answer.status, status, "{path}");
    }
    let mut silent = Client::to(server.metrics.unwrap(), [127, 0, 0, 1].into()).await;
    silent.send("GET /livez HTTP/1.1\r\nhost: x\r\n").await;
    assert_eq!(silent.rest().await, b"");
}

#[tokio::test]
async fn a_request_with_two_hosts_is_refused() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    for (path, status) in [("/api/tasks", 422), ("/graphql", 400)] {
        let two_hosts = format!("GET {path} HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n");
        assert_eq!(server.connect().await.ask(two_hosts).await.status, status);
    }
}

/// A proxy that reads a head differently would let a request hide in another one.
#[tokio::test]
async fn a_head_that_can_be_read_in_two_ways_is_refused_unless_http_says_how_to_read_it() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    let heads = [
        ("content-length: 5\r\ncontent-length: 6\r\n", 400),
        ("content-length: 5, 6\r\n", 400),
        ("content-length: +5\r\n", 400),
        ("transfer-encoding: chunked, identity\r\n", 400),
        ("transfer-encoding : chunked\r\n", 400),
        ("x: a\r\n content-length: 5\r\n", 400),
        ("x: a\rcontent-length: 5\r\n", 400),
        ("x: a\0\r\n", 400),
        // What RFC 9112 allows: in section 2.2 that a line ends so, in 6.1 that chunks count alone.
        ("x: a\nhost: x\n", 200),
        ("transfer-encoding: chunked\r\ncontent-length: 5\r\n", 200),
    ];
    check_all(heads, async |(lines, status)| {
        let answer = server.connect().await.ask(format!("GET /livez HTTP/1.1\r\n{lines}\r\n")).await;
        assert_eq!(answer.status, status, "{lines:?}");
    })
    .await;
}

#[tokio::test]
async fn what_a_user_does_not_read_is_bounded_and_nobody_else_is_refused() {
    let Some(server) = Server::with(&[("RESPONSE_MEMORY_PER_USER", "1000000")]).await else { skip!(Postgres) };
    for user in ["ann", "bob"] {
        hostile::fill(server.address, user).await;
    }
    let mut deaf = WithoutWindow::open(server.connect().await).await;
    let before = server.memory();
    for _ in 0..40 {
        deaf.get("/api/tasks?limit=100", &token("ann")).await;
    }
    let statuses = deaf.statuses(40).await;
    let answered = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(answered, 2, "of 400 KB each: {statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    let grown = server.memory().saturating_sub(before);
    assert!(grown <= 16 * KIB, "{grown} KiB more for what may take 1 MB");
    let head =
        |user| format!("GET /api/tasks?limit=100 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", token(user));
    assert_eq!(server.connect().await.ask(head("bob")).await.status, 200);
    let refused = server.connect().await.ask(head("ann")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
}

#[tokio::test]
async fn large_bodies_are_bounded_and_read_for_nobody_without_a_token() {
    const LENGTH: usize = 1_000_000;
    let Some(server) = Server::with(&[("RESPONSE_MEMORY_PER_USER", "2000000")]).await else { skip!(Postgres) };
    // The server asks for a body when it begins to read it.
    let begin = async |user: Option<&str>, status: u16| {
        let token = user.map(|user| format!("authorization: Bearer {}\r\n", token(user))).unwrap_or_default();
        let expect = format!("expect: 100-continue\r\ncontent-length: {LENGTH}");
        let mut client = server.connect().await;
        client.send(format!("POST /api/tasks HTTP/1.1\r\nhost: x\r\n{token}{expect}\r\n\r\n")).await;
        let answer = client.head().await;
        assert_eq!(answer.status, status, "{user:?}");
        (client, answer)
    };
    let finish = async |mut client: Client| {
        client.send([r#"{"title": "x"}"#, &" ".repeat(LENGTH - 14)].concat()).await;
        client.head().await.status
    };
    let waiting = [begin(Some("ann"), 100).await.0, begin(Some("ann"), 100).await.0];
    let refused = begin(Some("ann"), 503).await.1;
    assert_eq!((refused.header("retry-after"), refused.header("connection")), ("1", "close"));
    begin(None, 401).await;
    assert_eq!(finish(begin(Some("bob"), 100).await.0).await, 201, "another user's");
    for client in waiting {
        assert_eq!(finish(client).await, 201);
    }
    assert_eq!(finish(begin(Some("ann"), 100).await.0).await, 201, "nothing is counted any more");
}

#[tokio::test]
async fn an_answer_that_is_not_taken_in_time_ends_its_connection() {
    let settings = [("SEND_TIMEOUT", "50ms"), ("HEADER_TIMEOUT", "50ms")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let mut deaf = WithoutWindow::open(server.connect().await).await;
    deaf.get("/livez", "none").await;
    assert_eq!(deaf.statuses(1).await, [200]);
    timeout(PATIENCE, deaf.closed()).await.expect("an end");
}

#[tokio::test]
async fn clients_that_read_slowly_hold_little_and_not_for_long() {
    let settings = [("SEND_TIMEOUT", "5s"), ("HEADER_TIMEOUT", "100ms")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    hostile::fill(server.address, "ann").await;
    let large = hostile::large_request("ann");
    let before = server.memory();
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = server.connect().await;
        client.send(&large).await;
        clients.push(client);
    }
    let mut statuses = join_all(clients.iter_mut().map(async |client| client.head().await.status)).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 503], "of 8 MB each, a user may have 32 MiB");
    let grown = server.peak_memory().saturating_sub(before);
    assert!(grown <= 128 * KIB, "{grown} KiB");
    let reading = join_all(clients.iter_mut().map(hostile::read_slowly));
    let freed = eventually("what they held is free again, though they go on reading what is on its way", async || {
        server.connect().await.ask(&large).await.status == 200
    });
    tokio::select! {
        () = freed => {}
        _ = reading => panic!("they have read 8 MB at 6 KiB/s"),
    }
}
