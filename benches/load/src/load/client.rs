//! One kept-alive connection that sends a request and reads its response: as little HTTP as that takes, because the load
//! shares the processors with what is measured.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// More headers than any response has.
const MAX_HEADERS: usize = 32;
/// Occurs once for each task in a response.
const TASK: &[u8] = br#""title":"#;

/// A request with a token, and with a JSON body unless that is empty.
pub fn http(method: &str, path: &str, token: &str, body: &str) -> String {
    let content = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n{content}\r\n{body}"
    )
}

pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Borrowed from the client until its next request.
pub struct Response<'a> {
    pub status: u16,
    pub head: &'a [u8],
    pub body: &'a [u8],
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    /// Fails if the response has no `Content-Length`.
    pub async fn send(&mut self, request: &str) -> Result<Response<'_>> {
        self.stream.write_all(request.as_bytes()).await?;
        self.received.clear();
        let head = loop {
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server closed the connection");
            if let Some(head) = Head::parse(&self.received)? {
                break head;
            }
        };
        while self.received.len() < head.size + head.content_length {
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server closed the connection");
        }
        let (text, body) = self.received.split_at(head.size);
        Ok(Response { status: head.status, head: text, body })
    }
}

struct Head {
    status: u16,
    size: usize,
    content_length: usize,
}

impl Head {
    /// `None` while it is incomplete.
    fn parse(received: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(size) = head.parse(received)? else { return Ok(None) };
        let length = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let length = length.context("a response without Content-Length")?;
        let content_length = std::str::from_utf8(length.value)?.trim().parse()?;
        Ok(Some(Self { status: head.code.context("a response without a status")?, size, content_length }))
    }
}

impl Response<'_> {
    /// GraphQL's errors have a status of success, too.
    pub fn ensure_success(&self) -> Result<()> {
        let is_success = (200..300).contains(&self.status)
            && !self.body.starts_with(br#"{"errors"#)
            && !self.body.starts_with(br#"{"data":null"#);
        ensure!(is_success, "{}: {}", self.status, String::from_utf8_lossy(self.body));
        Ok(())
    }

    pub fn ensure_tasks(&self, expected: usize) -> Result<()> {
        self.ensure_success()?;
        let found = self.body.windows(TASK.len()).filter(|window| *window == TASK).count();
        ensure!(found == expected, "{found} tasks instead of {expected}: {}", String::from_utf8_lossy(self.body));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response<'_> {
        Response { status, head: b"", body: body.as_bytes() }
    }

    #[test]
    fn a_head_is_parsed_once_it_is_complete() {
        let response = b"HTTP/1.1 201 Created\r\ncontent-length: 12\r\n\r\n{\"id\":";
        assert!(Head::parse(&response[..40]).unwrap().is_none());
        let head = Head::parse(response).unwrap().unwrap();
        assert_eq!((head.status, head.size, head.content_length), (201, 44, 12));
        assert!(Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n").is_err());
    }

    #[test]
    fn errors_of_either_door_are_failures() {
        assert!(response(200, r#"{"data":{"task":{"title":"a"}}}"#).ensure_success().is_ok());
        for (status, body) in [(500, "{}"), (200, r#"{"errors":[]}"#), (200, r#"{"data":null,"errors":[]}"#)] {
            assert!(response(status, body).ensure_success().is_err(), "{status} {body}");
        }
    }

    #[test]
    fn tasks_are_counted() {
        let two = response(200, r#"[{"title":"a"},{"title":"b"}]"#);
        assert!(two.ensure_tasks(2).is_ok());
        assert!(two.ensure_tasks(1).is_err() && two.ensure_tasks(3).is_err());
    }
}
