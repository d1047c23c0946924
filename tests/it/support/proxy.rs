//! A PostgreSQL proxy that shows what goes over the wire, and that can hold the server's answers back until the client
//! has sent a number of statements: a client that waits for an answer in between never gets one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    sync::Notify,
};

/// A proxy in front of a database.
pub struct Proxy {
    /// The database's URL through the proxy.
    pub url: String,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    seen: Mutex<Seen>,
    changed: Notify,
}

/// What the client has sent.
#[derive(Clone, Default)]
pub struct Seen {
    /// The SQL of each statement that was executed, in order.
    pub statements: Vec<String>,
    /// How often the client wrote to the network.
    pub flushes: usize,
    /// How many answers the client has asked for.
    syncs: usize,
    /// How many it must ask for before it gets the first one.
    held_until: usize,
}

impl Proxy {
    /// In front of the database of this URL.
    pub async fn before(url: &str) -> Self {
        let mut url = url::Url::parse(url).unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        url.set_query(Some("sslmode=disable"));
        let wire = Arc::new(Wire::default());
        tokio::spawn(accept(listener, server, Arc::clone(&wire)));
        Self { url: url.to_string(), wire }
    }

    /// Forgets what was seen, and from now on holds answers back until the client has asked for this many.
    pub fn hold(&self, answers: usize) {
        *self.wire.seen.lock().unwrap() = Seen { held_until: answers, ..Seen::default() };
    }

    /// What was seen since.
    pub fn seen(&self) -> Seen {
        self.wire.seen.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, server: String, wire: Arc<Wire>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&server).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(requests(from_client, to_server, Arc::clone(&wire)));
        tokio::spawn(answers(from_server, to_client, Arc::clone(&wire)));
    }
}

async fn requests(mut client: OwnedReadHalf, mut server: impl AsyncWriteExt + Unpin, wire: Arc<Wire>) {
    let mut reader = Reader::default();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer).await {
        {
            let mut seen = wire.seen.lock().unwrap();
            seen.flushes += 1;
            reader.read(&buffer[..count], &mut seen);
        }
        wire.changed.notify_waiters();
        if server.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn answers(mut server: OwnedReadHalf, mut client: impl AsyncWriteExt + Unpin, wire: Arc<Wire>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = server.read(&mut buffer).await {
        loop {
            let changed = wire.changed.notified();
            if wire.is_released() {
                break;
            }
            changed.await;
        }
        if client.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

impl Wire {
    fn is_released(&self) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.syncs >= seen.held_until
    }
}

/// Cuts what the client sends into messages of the PostgreSQL protocol.
#[derive(Default)]
struct Reader {
    pending: Vec<u8>,
    has_started: bool,
    prepared: HashMap<Vec<u8>, String>,
}

impl Reader {
    fn read(&mut self, bytes: &[u8], seen: &mut Seen) {
        self.pending.extend_from_slice(bytes);
        while let Some((kind, body)) = self.next() {
            let mut parts = body.split(|byte| *byte == 0);
            match kind {
                b'P' => {
                    let (name, sql) = (parts.next().unwrap().to_vec(), parts.next().unwrap());
                    self.prepared.insert(name, String::from_utf8_lossy(sql).into_owned());
                }
                b'B' => seen.statements.push(self.prepared[parts.nth(1).unwrap()].clone()),
                b'S' => seen.syncs += 1,
                _ => {}
            }
        }
    }

    /// The start-up message is the only one without a kind.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let header = usize::from(self.has_started);
        let length = self.pending.get(header..header + 4)?;
        let end = header + u32::from_be_bytes(length.try_into().ok()?) as usize;
        if self.pending.len() < end {
            return None;
        }
        let message: Vec<u8> = self.pending.drain(..end).collect();
        let kind = if self.has_started { message[0] } else { 0 };
        self.has_started = true;
        Some((kind, message[header + 4..].to_vec()))
    }
}
