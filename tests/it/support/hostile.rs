//! Clients that mean harm: what each of them does.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{interval, timeout},
};

use super::{server::Client, token};

const KIB: usize = 1024;

/// The head of a request that is refused before its body is read.
pub const UNWANTED: &str =
    "POST /api/tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

/// Sends as much of a body as the server reads, and no error: it may close the connection at any time.
pub async fn pour(client: &mut Client) {
    let chunk = [b"8000\r\n".as_slice(), &vec![b' '; 32 * KIB], b"\r\n"].concat();
    for _ in 0..31 {
        let sent = timeout(Duration::from_secs(2), client.0.write_all(&chunk)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

/// Creates a hundred tasks of 4 KiB each.
pub async fn fill(server: SocketAddr, user: &str) {
    let tasks = vec![json!({ "title": "x", "description": "\u{1f4dd}".repeat(1000) }); 10];
    let mut client = Client::to(server, [127, 0, 0, 1].into()).await;
    for _ in 0..10 {
        assert_eq!(client.ask(post("/api/tasks/bulk", user, &json!({ "create": tasks }))).await.status, 200);
    }
}

/// Asks for 8 MB, once the user has been [filled](fill).
pub fn large_request(user: &str) -> String {
    let aliases: String = (0..20).map(|number| format!("a{number}:description ")).collect();
    post("/graphql", user, &json!({ "query": format!("{{ tasks {{ {aliases} }} }}") }))
}

fn post(path: &str, user: &str, body: &Value) -> String {
    let (token, body) = (token(user), body.to_string());
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads 4 KiB every 650 ms until the server closes the connection; how many bytes there were.
pub async fn read_slowly(client: &mut Client) -> usize {
    let mut pace = interval(Duration::from_millis(650));
    let (mut piece, mut total) = (vec![0; 4 * KIB], 0);
    loop {
        pace.tick().await;
        match client.0.read(&mut piece).await {
            Ok(0) | Err(_) => return total,
            Ok(read) => total += read,
        }
    }
}
