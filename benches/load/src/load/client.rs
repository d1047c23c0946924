//! One kept connection that sends a request and reads its answer: as little HTTP as that takes, because the load shares
//! its processors with what is measured.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// More headers than any answer has.
const HEADERS: usize = 32;
/// What every task in an answer has once.
const TASK: &[u8] = br#""title":"#;

pub struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

/// An answer, until the next request.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a [u8],
    pub body: &'a [u8],
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let head = loop {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server hung up");
            if let Some(head) = Head::parse(&self.answer)? {
                break head;
            }
        };
        while self.answer.len() < head.size + head.body {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server hung up");
        }
        let (text, body) = self.answer.split_at(head.size);
        Ok(Answer { status: head.status, head: text, body })
    }
}

impl Answer<'_> {
    /// An error unless the answer has this many tasks.
    pub fn check(&self, tasks: usize) -> Result<()> {
        let found = self.body.windows(TASK.len()).filter(|window| *window == TASK).count();
        ensure!(
            found == tasks,
            "{} with {found} tasks, not {tasks}: {}",
            self.status,
            String::from_utf8_lossy(self.body)
        );
        self.quick_check()
    }

    /// The same as far as it costs nothing: GraphQL's errors have the status of a success.
    pub fn quick_check(&self) -> Result<()> {
        let is_good = (200..300).contains(&self.status)
            && !self.body.starts_with(br#"{"errors"#)
            && !self.body.starts_with(br#"{"data":null"#);
        ensure!(is_good, "{}: {}", self.status, String::from_utf8_lossy(self.body));
        Ok(())
    }
}

/// What the head of an answer says.
struct Head {
    status: u16,
    size: usize,
    body: usize,
}

impl Head {
    /// `None` if it isn't whole yet.
    fn parse(answer: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(size) = head.parse(answer)? else { return Ok(None) };
        let Some(length) = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length")) else {
            bail!("an answer without a length");
        };
        let body = std::str::from_utf8(length.value)?.trim().parse()?;
        Ok(Some(Self { status: head.code.context("no status")?, size, body }))
    }
}
