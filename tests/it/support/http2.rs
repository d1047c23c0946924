//! As much of an HTTP/2 client as it takes to read nothing.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::server::{Client, PATIENCE};

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM_AND_HEADERS: u8 = 5;
const HEADER_TABLE_SIZE: u8 = 1;
const INITIAL_WINDOW_SIZE: u8 = 4;

/// A connection whose streams have a window of nothing: the server may send heads, and no bodies.
pub struct WithoutWindow {
    client: Client,
    next_stream: u32,
}

impl WithoutWindow {
    pub async fn open(mut client: Client) -> Self {
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client
            .send(frame(SETTINGS, 0, 0, &[0, HEADER_TABLE_SIZE, 0, 0, 0, 0, 0, INITIAL_WINDOW_SIZE, 0, 0, 0, 0]))
            .await;
        Self { client, next_stream: 1 }
    }

    pub async fn get(&mut self, path: &str, token: &str) {
        assert!(self.try_get(path, token).await);
    }

    /// Whether the connection is still open.
    pub async fn try_get(&mut self, path: &str, token: &str) -> bool {
        let bearer = format!("Bearer {token}");
        let head = [(":method", "GET"), (":scheme", "http"), (":path", path), ("authorization", &bearer)];
        let block: Vec<u8> = head.iter().flat_map(|(name, value)| literal(name, value)).collect();
        let sent = self.client.0.write_all(&frame(HEADERS, END_STREAM_AND_HEADERS, self.next_stream, &block)).await;
        self.next_stream += 2;
        sent.is_ok()
    }

    /// The statuses of so many responses.
    pub async fn statuses(&mut self, count: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        while statuses.len() < count {
            let frame = timeout(PATIENCE, self.frame()).await.expect("a frame in time");
            let (kind, payload) = frame.expect("a response");
            if kind == HEADERS {
                statuses.push(status(&payload));
            }
        }
        statuses
    }

    /// Answers pings, as a client that means to stay, until the server closes the connection.
    pub async fn closed(&mut self) {
        while let Some((kind, payload)) = self.frame().await {
            if kind == PING && self.client.0.write_all(&frame(PING, 1, 0, &payload)).await.is_err() {
                return;
            }
        }
    }

    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 9];
        self.client.0.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.client.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], payload))
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header that is neither indexed nor compressed (RFC 7541, section 6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    [vec![0], text(name), text(value)].concat()
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = match u8::try_from(text.len()) {
        Ok(length @ 0..127) => vec![length],
        _ => {
            let rest = text.len() - 127;
            vec![127, u8::try_from(rest % 128).unwrap() | 128, u8::try_from(rest / 128).unwrap()]
        }
    };
    bytes.extend(text.bytes());
    bytes
}

/// The status of a response's head: an entry of HPACK's static table, or a literal. There is no dynamic one, which the first
/// head says.
fn status(block: &[u8]) -> u16 {
    let block = if block[0] == 0x20 { &block[1..] } else { block };
    match block[0] {
        0x88 => 200,
        0x8d => 404,
        0x8e => 500,
        _ => {
            let digits = &block[2..2 + usize::from(block[1] & 127)];
            if block[1] & 128 == 0 { std::str::from_utf8(digits).unwrap().parse().unwrap() } else { huffman(digits) }
        }
    }
}

/// Three digits in Huffman's code, of which `0`, `1`, `2` have five bits and the others six.
fn huffman(bytes: &[u8]) -> u16 {
    let bits: Vec<bool> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let number = |bits: &[bool]| bits.iter().fold(0, |number, bit| number * 2 + u16::from(*bit));
    let mut at = 0;
    (0..3).fold(0, |status, _| {
        let short = number(&bits[at..at + 5]);
        let digit = if short < 3 {
            at += 5;
            short
        } else {
            let long = number(&bits[at..at + 6]);
            at += 6;
            long - 0x19 + 3
        };
        status * 10 + digit
    })
}
