//! Writes that are refused because of their head, before the client has sent the body. The connection must stay usable, or
//! its close be announced: otherwise a client that keeps connections open would lose its next request.

use tandem::http::guard::MAX_BODY;
use tokio::io::AsyncWriteExt;

use crate::{
    skip,
    support::{
        server::{Client, RawAnswer, Server},
        token,
    },
};

const LIVEZ: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
const BODY: usize = 50_000;

/// The head of a request with these headers, a line each.
fn head(request: &str, headers: &[&str]) -> String {
    format!("{request} HTTP/1.1\r\nhost: x\r\n{}\r\n\r\n", headers.join("\r\n"))
}

fn bearer(user: &str) -> String {
    format!("authorization: Bearer {}", token(user))
}

/// Sends a head, waits for the response, and only then continues: with the body and another request where the connection
/// is to stay open.
async fn refused(client: &mut Client, head: &str) -> RawAnswer {
    let answer = client.ask(head).await;
    if answer.header("connection") == "close" {
        assert_eq!(client.rest().await, b"", "{head}");
        return answer;
    }
    client.send(vec![b'\n'; BODY]).await;
    assert_eq!(client.ask(LIVEZ).await.status, 200, "{head}");
    answer
}

/// What is refused without reading the body, through both doors.
fn early() -> Vec<(u16, &'static str, String)> {
    let (ann, json, length) = (bearer("ann"), "content-type: application/json", format!("content-length: {BODY}"));
    let (ann, length) = (ann.as_str(), length.as_str());
    let task = "PUT /api/tasks/00000000-0000-7000-8000-000000000000";
    vec![
        (401, "UNAUTHENTICATED", head("POST /api/tasks", &[json, length])),
        (401, "UNAUTHENTICATED", head("POST /graphql", &[json, length])),
        (403, "FORBIDDEN", head("POST /api/bob/tasks", &[ann, json, length])),
        (404, "NOT_FOUND", head("POST /api/nowhere", &[ann, json, length])),
        (404, "NOT_FOUND", head("POST /graphql/nowhere", &[ann, json, length])),
        (405, "METHOD_NOT_ALLOWED", head("PUT /api/tasks", &[ann, json, length])),
        (405, "METHOD_NOT_ALLOWED", head("PUT /graphql", &[ann, json, length])),
        (406, "NOT_ACCEPTABLE", head("POST /graphql", &[ann, json, length, "accept: text/html"])),
        (413, "PAYLOAD_TOO_LARGE", head("POST /api/tasks", &[ann, json, "content-length: 1048577"])),
        (413, "PAYLOAD_TOO_LARGE", head("POST /graphql", &[ann, json, "content-length: 1048577"])),
        (413, "PAYLOAD_TOO_LARGE", head("POST /api/nowhere", &["content-length: 99999999999"])),
        (415, "UNSUPPORTED_MEDIA_TYPE", head("POST /api/tasks", &[ann, length, "content-type: text/plain"])),
        (415, "UNSUPPORTED_MEDIA_TYPE", head("POST /graphql", &[ann, length, "content-type: text/plain"])),
        (415, "UNSUPPORTED_MEDIA_TYPE", head("POST /api/tasks", &[ann, json, length, "content-encoding: gzip"])),
        (415, "UNSUPPORTED_MEDIA_TYPE", head("POST /graphql", &[ann, json, length, "content-encoding: br"])),
        (422, "BAD_USER_INPUT", head("PUT /api/tasks/x", &[ann, json, length])),
        (422, "BAD_USER_INPUT", head("POST /api/tasks", &[ann, json, length, "idempotency-key: \u{e9}"])),
        (422, "BAD_USER_INPUT", head(task, &[ann, json, length, "if-match: 1"])),
        (400, "BAD_USER_INPUT", head("POST /graphql", &[ann, json, length, "idempotency-key: \u{e9}"])),
        (400, "BAD_USER_INPUT", head("POST /graphql", &[length, "content-type: text/plain"])),
    ]
}

#[tokio::test]
async fn a_refused_write_leaves_its_connection_usable_or_says_that_it_closes() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    for (status, code, head) in early() {
        let answer = refused(&mut server.connect().await, &head).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{head}");
        let closes = answer.header("connection") == "close";
        assert_eq!(closes, status == 413, "{head}");
    }
}

#[tokio::test]
async fn a_write_that_times_out_before_its_body_leaves_its_connection_usable() {
    let Some(server) = Server::with(&[("REQUEST_TIMEOUT", "200ms")]).await else { skip!(Postgres) };
    for request in ["POST /api/tasks", "POST /graphql"] {
        let length = format!("content-length: {BODY}");
        let head = head(request, &[&bearer("ann"), "content-type: application/json", &length]);
        let answer = refused(&mut server.connect().await, &head).await;
        assert_eq!((answer.status, answer.code().as_str()), (504, "TIMEOUT"), "{head}");
    }
}

#[tokio::test]
async fn a_write_above_the_rate_limit_leaves_its_connection_usable() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_ADDRESS", "1")]).await else { skip!(Postgres) };
    let length = format!("content-length: {BODY}");
    let headers = [&bearer("ann"), "content-type: application/json", &length];
    assert_eq!(server.connect().await.ask(head("GET /api/tasks", &headers[..1])).await.status, 200);
    for request in ["POST /api/tasks", "POST /graphql"] {
        let head = head(request, &headers);
        let answer = refused(&mut server.connect().await, &head).await;
        assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"), "{head}");
        assert_eq!(answer.header("connection"), "", "{head}");
    }
}

#[tokio::test]
async fn one_connection_survives_a_hundred_refused_writes() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    let mut client = server.connect().await;
    let length = format!("content-length: {BODY}");
    for index in 0..100 {
        let path = if index % 2 == 0 { "POST /api/tasks" } else { "POST /graphql" };
        let answer = refused(&mut client, &head(path, &["content-type: application/json", &length])).await;
        assert_eq!(answer.status, 401);
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_is_not_waited_for() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    for path in ["POST /api/tasks", "POST /graphql"] {
        let head = head(path, &["content-type: application/json", "transfer-encoding: chunked"]);
        let mut client = server.connect().await;
        let answer = client.ask(&head).await;
        assert_eq!((answer.status, answer.header("connection")), (401, "close"), "{path}");
        client.send("0\r\n\r\n").await;
        assert_eq!(client.rest().await, b"", "{path}");
    }
}

#[tokio::test]
async fn a_client_that_expects_100_continue_is_refused_instead() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    for path in ["POST /api/tasks", "POST /graphql"] {
        let length = format!("content-length: {BODY}");
        let head = head(path, &["content-type: application/json", &length, "expect: 100-continue"]);
        let mut client = server.connect().await;
        let answer = client.ask(&head).await;
        assert_eq!((answer.status, answer.header("connection")), (401, "close"), "{path}");
        assert_eq!(client.rest().await, b"", "{path}");
    }
}

#[tokio::test]
async fn a_client_that_sends_too_much_before_it_reads_gets_its_response() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    for path in ["POST /api/tasks", "POST /graphql"] {
        let length = 4 * MAX_BODY;
        let head =
            head(path, &[&bearer("ann"), "content-type: application/json", &format!("content-length: {length}")]);
        let mut client = server.connect().await;
        client.send(&head).await;
        client.0.write_all(&vec![b' '; length]).await.expect("the server goes on reading");
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (413, "close"), "{path}");
    }
}
