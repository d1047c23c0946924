//! Clients that mean harm, over real sockets: what they may take of the server's memory and connections.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    skip,
    support::server::{Client, Server},
};

const KIB: usize = 1024;
const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";

/// Sends what the server reads of it, and no error: it may close the connection at any time.
async fn pour(client: &mut Client, chunk: &[u8], times: usize) {
    use tokio::io::AsyncWriteExt;
    for _ in 0..times {
        let sent = timeout(Duration::from_secs(2), client.0.write_all(chunk)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_requests_without_a_token_are_not_kept() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    let head =
        "POST /api/tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"8000\r\n".as_slice(), &vec![b' '; 32 * KIB], b"\r\n"].concat();
    let mut clients = Vec::new();
    for _ in 0..1000 {
        clients.push(server.connect().await);
    }
    for client in &mut clients {
        assert_eq!(client.ask(LIVEZ).await.status, 200);
    }
    let before = server.memory();
    for client in &mut clients {
        client.send(head).await;
    }
    let pouring = clients.into_iter().map(|mut client| {
        let chunk = chunk.clone();
        tokio::spawn(async move {
            assert_eq!(client.answer().await.status, 401);
            pour(&mut client, &chunk, 31).await;
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
