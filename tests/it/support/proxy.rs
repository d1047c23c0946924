//! A PostgreSQL proxy that shows what goes over the network, and can interfere: it holds the server's answers
//! back until the client has sent a number of statements (a client that waits for an answer in between never gets
//! one), or cuts the connection after any message in either direction, or lets it go silent there.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tandem::store::{DbConfig, Target};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
};

use super::{App, TestDb};

/// A proxy in front of a database.
pub struct Proxy {
    /// The database's URL through the proxy.
    pub url: String,
    wire: Arc<Wire>,
}

/// A server with one database connection, which goes through a proxy; `None` where there is no PostgreSQL server.
pub async fn proxied() -> Option<(App, Proxy)> {
    proxied_with(|_| {}).await
}

/// The same with other settings.
pub async fn proxied_with(change: impl FnOnce(&mut DbConfig)) -> Option<(App, Proxy)> {
    let mut db = TestDb::on_server().await?;
    let proxy = Proxy::before(db.url()).await;
    db.config.target = Target::parse(&proxy.url).unwrap();
    db.config.pool_size = 1;
    change(&mut db.config);
    Some((App::on(db).await, proxy))
}

/// Which messages a cut counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Direction {
    Requests,
    Answers,
}

#[derive(Default)]
struct Wire {
    seen: Mutex<Seen>,
    cut: Mutex<Option<Cut>>,
    changed: Notify,
}

/// How much more gets through before the connection that carries it is cut.
struct Cut {
    direction: Direction,
    messages: usize,
    /// Of the message behind those.
    bytes: usize,
    /// Neither closed nor forwarded any more.
    is_silent: bool,
}

/// What becomes of a connection.
#[derive(PartialEq)]
enum Fate {
    Open,
    Cut,
    Silent,
}

/// What the client has sent.
#[derive(Clone, Default)]
pub struct Seen {
    /// The SQL of each statement that was executed, in order.
    pub statements: Vec<String>,
    /// The names of the statements that were prepared by name.
    pub names: Vec<String>,
    /// The same with parameters.
    pub executed: Vec<Executed>,
    /// How often the client wrote to the network.
    pub flushes: usize,
    /// How many transactions were begun for each user.
    transactions: HashMap<String, usize>,
    /// How many answers the client has asked for: the server sends what it has when it is asked for the next one.
    pub syncs: usize,
    /// How many statements it must send before it gets an answer.
    held_until: usize,
}

/// A statement that was executed.
#[derive(Clone)]
pub struct Executed {
    /// Which of the proxy's connections it was sent on.
    pub connection: usize,
    pub sql: String,
    /// The types of its parameters, as object ids of the server.
    pub types: Vec<u32>,
    /// In PostgreSQL's binary format.
    pub parameters: Vec<Option<Vec<u8>>>,
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

    /// Forgets what was seen, and from now on holds answers back until the client has sent this many statements.
    pub fn hold(&self, statements: usize) {
        *self.wire.seen.lock().unwrap() = Seen { held_until: statements, ..Seen::default() };
    }

    /// How many transactions were begun for each user since this was last asked. The statements are forgotten, too.
    pub fn take_transactions(&self) -> HashMap<String, usize> {
        std::mem::take(&mut *self.wire.seen.lock().unwrap()).transactions
    }

    /// Forgets what was seen, and holds nothing back from now on.
    pub fn forget(&self) {
        self.hold(0);
    }

    /// What was seen since.
    pub fn seen(&self) -> Seen {
        self.wire.seen.lock().unwrap().clone()
    }

    /// Lets this many more messages through in one direction, then cuts the connection that carries the next one.
    pub fn cut_after(&self, messages: usize, direction: Direction) {
        *self.wire.cut.lock().unwrap() = Some(Cut { direction, messages, bytes: 0, is_silent: false });
    }

    /// Lets this many more messages through in one direction, and bytes of the next one. Then the connection that carries
    /// it is silent in both directions, but open.
    pub fn silence_after(&self, messages: usize, bytes: usize, direction: Direction) {
        *self.wire.cut.lock().unwrap() = Some(Cut { direction, messages, bytes, is_silent: true });
    }

    /// Whether a cut is still to come.
    pub fn is_cut_due(&self) -> bool {
        self.wire.cut.lock().unwrap().is_some()
    }

    /// Cuts nothing any more. Returns whether the cut was still to come.
    pub fn cancel_cut(&self) -> bool {
        self.wire.cut.lock().unwrap().take().is_some()
    }
}

async fn accept(listener: TcpListener, server: String, wire: Arc<Wire>) {
    for connection in 0.. {
        let Ok((client, _)) = listener.accept().await else { return };
        // If the database is away, so is this proxy.
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        tokio::spawn(forward(client, server, Reader { connection, ..Reader::default() }, Arc::clone(&wire)));
    }
}

/// Forwards in both directions until one ends or is cut; dropping the other one closes both connections.
async fn forward(client: TcpStream, server: TcpStream, reader: Reader, wire: Arc<Wire>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_silent = AtomicBool::default();
    tokio::select! {
        () = requests(from_client, to_server, reader, &wire, &is_silent) => {}
        () = answers(from_server, to_client, &wire, &is_silent) => {}
    }
}

/// Whether a connection goes on. One that is silent does neither.
async fn goes_on(fate: Fate, is_silent: &AtomicBool) -> bool {
    is_silent.fetch_or(fate == Fate::Silent, Ordering::SeqCst);
    if is_silent.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    fate == Fate::Open
}

async fn requests(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    mut reader: Reader,
    wire: &Wire,
    is_silent: &AtomicBool,
) {
    let mut frames = Frames { has_started: false, ..Frames::default() };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer).await {
        {
            let mut seen = wire.seen.lock().unwrap();
            seen.flushes += 1;
            reader.read(&buffer[..count], &mut seen);
        }
        wire.changed.notify_waiters();
        let (allowed, fate) = wire.allowed(&mut frames, &buffer[..count], Direction::Requests);
        if server.write_all(&buffer[..allowed]).await.is_err() || !goes_on(fate, is_silent).await {
            return;
        }
    }
}

async fn answers(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, wire: &Wire, is_silent: &AtomicBool) {
    let mut frames = Frames { has_started: true, ..Frames::default() };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = server.read(&mut buffer).await {
        loop {
            let changed = wire.changed.notified();
            if wire.is_released() {
                break;
            }
            changed.await;
        }
        if !goes_on(Fate::Open, is_silent).await {
            return;
        }
        let (allowed, fate) = wire.allowed(&mut frames, &buffer[..count], Direction::Answers);
        if client.write_all(&buffer[..allowed]).await.is_err() || !goes_on(fate, is_silent).await {
            return;
        }
    }
}

impl Wire {
    fn is_released(&self) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.statements.len() >= seen.held_until
    }

    /// How many of these bytes may pass: all of them, unless a cut is due within.
    fn allowed(&self, frames: &mut Frames, bytes: &[u8], direction: Direction) -> (usize, Fate) {
        let ends = frames.ends(bytes);
        let mut due = self.cut.lock().unwrap();
        let Some(cut) = due.as_mut().filter(|cut| cut.direction == direction) else { return (bytes.len(), Fate::Open) };
        // The bytes behind the last message that may pass belong to one that may not.
        let last = cut.messages.checked_sub(1).map_or(Some(0), |index| ends.get(index).copied());
        let allowed = last.map_or(bytes.len(), |end| (end + cut.bytes).min(bytes.len()));
        cut.messages -= ends.len().min(cut.messages);
        if allowed == bytes.len() {
            return (allowed, Fate::Open);
        }
        let fate = if cut.is_silent { Fate::Silent } else { Fate::Cut };
        *due = None;
        (allowed, fate)
    }
}

/// Finds where messages end in a stream of bytes.
#[derive(Default)]
struct Frames {
    /// The start-up message of a client is the only one without a kind.
    has_started: bool,
    header: Vec<u8>,
    /// How many bytes of the message are still to come, once its header is known.
    left: Option<usize>,
}

impl Frames {
    /// The offsets at which messages end.
    fn ends(&mut self, bytes: &[u8]) -> Vec<usize> {
        let mut ends = Vec::new();
        for (offset, byte) in bytes.iter().enumerate() {
            let left = match self.left {
                Some(left) => left - 1,
                None => match self.length(*byte) {
                    Some(left) => left,
                    None => continue,
                },
            };
            self.left = Some(left);
            if left == 0 {
                (self.left, self.has_started) = (None, true);
                self.header.clear();
                ends.push(offset + 1);
            }
        }
        ends
    }

    /// Takes a byte of the header. What is left of the message, once the header is complete.
    fn length(&mut self, byte: u8) -> Option<usize> {
        self.header.push(byte);
        let length = self.header.get(usize::from(self.has_started)..)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        Some(length - 4)
    }
}

/// How a transaction becomes that of a user, who is the first parameter.
const SWITCH: &str = "SELECT set_config('role', 'tandem_api', true), ";

/// The parameters of a Bind message: behind two names, the formats, and the number of parameters.
fn parameters(bind: &[u8]) -> Vec<Option<Vec<u8>>> {
    let names = bind.split_inclusive(|byte| *byte == 0).take(2).map(<[u8]>::len).sum::<usize>();
    let short = |at: usize| usize::from(u16::from_be_bytes([bind[at], bind[at + 1]]));
    let mut at = names + 2 + 2 * short(names);
    let count = short(at);
    at += 2;
    let next = |_| {
        let length = i32::from_be_bytes(bind[at..at + 4].try_into().unwrap());
        at += 4;
        // Null has a negative length.
        let length = usize::try_from(length).ok()?;
        at += length;
        Some(bind[at - length..at].to_vec())
    };
    (0..count).map(next).collect()
}

/// Cuts what the client sends into messages of the PostgreSQL protocol.
#[derive(Default)]
struct Reader {
    pending: Vec<u8>,
    has_started: bool,
    connection: usize,
    /// Statements and the types of their parameters, by name.
    prepared: HashMap<Vec<u8>, (String, Vec<u32>)>,
}

impl Reader {
    fn read(&mut self, bytes: &[u8], seen: &mut Seen) {
        self.pending.extend_from_slice(bytes);
        while let Some((kind, body)) = self.next() {
            let mut parts = body.split(|byte| *byte == 0);
            match kind {
                b'P' => {
                    let (name, sql) = (parts.next().unwrap().to_vec(), parts.next().unwrap());
                    if !name.is_empty() {
                        seen.names.push(String::from_utf8_lossy(&name).into_owned());
                    }
                    let types = &body[name.len() + 1 + sql.len() + 1 + 2..];
                    let types = types.chunks_exact(4).map(|oid| u32::from_be_bytes(oid.try_into().unwrap())).collect();
                    self.prepared.insert(name, (String::from_utf8_lossy(sql).into_owned(), types));
                }
                b'B' => {
                    let (sql, types) = self.prepared[parts.nth(1).unwrap()].clone();
                    let (parameters, connection) = (parameters(&body), self.connection);
                    if sql.starts_with(SWITCH) {
                        let user = parameters.first().cloned().flatten().unwrap_or_default();
                        *seen.transactions.entry(String::from_utf8_lossy(&user).into_owned()).or_default() += 1;
                    }
                    seen.statements.push(sql.clone());
                    seen.executed.push(Executed { connection, sql, types, parameters });
                }
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
