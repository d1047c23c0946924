//! Clients that mean harm: what each of them does once, and all of them together for as long as a test lasts.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{SinkExt, StreamExt, future::join_all};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{
    http2::WithoutWindow,
    server::Client,
    socket::{Socket, init, subscribe},
    token,
};

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
    let fields: Vec<_> = (0..20).map(|number| format!("a{number}:description")).collect();
    post("/graphql", user, &json!({ "query": format!("{{ tasks {{ {} }} }}", fields.join(" ")) }))
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

/// What keeps a client from using up the machine that the test runs on.
const PAUSE: Duration = Duration::from_secs(1);

/// Clients of all kinds, each kind from an address of its own, until this is dropped.
pub struct Company {
    _clients: JoinSet<()>,
    deeds: Arc<[AtomicUsize; KINDS.len()]>,
}

/// How many clients there are of each kind, and what each of them does again and again.
const KINDS: [(usize, &str); 6] = [
    (10, "bodies without a token"),
    (2, "responses without a window"),
    (5, "responses read slowly"),
    (1, "messages of subscriptions"),
    (4, "operations on flooded sockets"),
    (1, "connections of one address"),
];

impl Company {
    pub async fn start(server: SocketAddr) -> Self {
        for user in ["windowless", "slow", "events"] {
            fill(server, user).await;
        }
        let deeds: Arc<[AtomicUsize; KINDS.len()]> = Arc::default();
        let mut clients = JoinSet::new();
        for (kind, (count, _)) in KINDS.into_iter().enumerate() {
            let from = IpAddr::from([127, 0, 1, u8::try_from(kind).unwrap()]);
            for number in 0..count {
                let deeds = Arc::clone(&deeds);
                clients.spawn(async move {
                    let done = &deeds[kind];
                    loop {
                        match kind {
                            0 => unwanted_body(server, from, done).await,
                            1 => windowless(server, from, done).await,
                            2 => slow_reader(server, from, done).await,
                            3 => events(server, from, done).await,
                            4 => flood(server, from, number, done).await,
                            _ => connections(server, from, done).await,
                        };
                        sleep(PAUSE).await;
                    }
                });
            }
        }
        Self { _clients: clients, deeds }
    }

    /// How often each of them did what it does.
    pub fn deeds(&self) -> String {
        let deeds = KINDS.iter().zip(&*self.deeds);
        let deeds: Vec<_> = deeds.map(|((_, what), done)| format!("{} {what}", done.load(Ordering::Relaxed))).collect();
        deeds.join(", ")
    }
}

/// Without a token, and with a megabyte behind it.
async fn unwanted_body(server: SocketAddr, from: IpAddr, done: &AtomicUsize) -> Option<()> {
    let mut client = Client::try_to(server, from).await?;
    client.0.write_all(UNWANTED.as_bytes()).await.ok()?;
    pour(&mut client).await;
    count(done);
    Some(())
}

/// Forty responses that are never read, on one connection.
async fn windowless(server: SocketAddr, from: IpAddr, done: &AtomicUsize) -> Option<()> {
    let mut deaf = WithoutWindow::open(Client::try_to(server, from).await?).await;
    for _ in 0..40 {
        if deaf.try_get("/api/tasks?limit=100", &token("windowless")).await {
            count(done);
        }
    }
    deaf.closed().await;
    Some(())
}

/// 8 MB, read at 6 KiB/s.
async fn slow_reader(server: SocketAddr, from: IpAddr, done: &AtomicUsize) -> Option<()> {
    let mut client = Client::try_to(server, from).await?;
    client.0.write_all(large_request("slow").as_bytes()).await.ok()?;
    count(done);
    // The connection of a refused request would be kept.
    timeout(Duration::from_mins(1), read_slowly(&mut client)).await.ok().map(drop)
}

/// A socket with sixteen subscriptions, which changes twenty tasks again and again.
async fn events(server: SocketAddr, from: IpAddr, done: &AtomicUsize) -> Option<()> {
    const SUBSCRIPTION: &str = "subscription { changes(after: \"latest\") { items { ... on Task \
        { id title description completed version createdAt updatedAt } } cursor } }";
    let bearer = token("events");
    let list = format!("GET /api/tasks?limit=20 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {bearer}\r\n\r\n");
    let tasks: Value = serde_json::from_slice(&Client::try_to(server, from).await?.ask(list).await.body).ok()?;
    let toggle = |(number, task): (usize, &Value)| format!("t{number}: toggleTask(id: {}) {{ id }}", task["id"]);
    // It is an object while the user has no points left.
    let toggles: Vec<_> = tasks.as_array()?.iter().enumerate().map(toggle).collect();
    let mut socket = authenticated(server, from, "events").await?;
    for id in 0..16 {
        send(&mut socket, subscribe(&id.to_string(), json!({ "query": SUBSCRIPTION }))).await?;
    }
    let change = subscribe("change", json!({ "query": format!("mutation {{ {} }}", toggles.join(" ")) }));
    let (mut pace, mut is_changing) = (interval(PAUSE), false);
    loop {
        tokio::select! {
            _ = pace.tick(), if !is_changing => {
                send(&mut socket, change.clone()).await?;
                is_changing = true;
            }
            text = text(&mut socket) => {
                count(done);
                let text = text?;
                is_changing &= text.contains("\"next\"") || !text.contains("\"change\"");
            }
        }
    }
}

/// Operations as fast as they are answered, until the socket is closed.
async fn flood(server: SocketAddr, from: IpAddr, number: usize, done: &AtomicUsize) -> Option<()> {
    let mut socket = authenticated(server, from, &format!("flood-{number}")).await?;
    loop {
        send(&mut socket, subscribe("1", json!({ "query": "{ me { id } }" }))).await?;
        while text(&mut socket).await?.contains("\"next\"") {}
        count(done);
    }
}

/// More connections than one address may have, without a request.
async fn connections(server: SocketAddr, from: IpAddr, done: &AtomicUsize) -> Option<()> {
    let clients = join_all((0..1500).map(async |_| Client::try_to(server, from).await)).await;
    clients.iter().flatten().for_each(|_| count(done));
    sleep(Duration::from_secs(10)).await;
    Some(())
}

async fn authenticated(server: SocketAddr, from: IpAddr, user: &str) -> Option<Socket> {
    let mut socket = Socket::over(Client::try_to(server, from).await?.0).await?;
    send(&mut socket, init(&token(user))).await?;
    text(&mut socket).await?;
    Some(socket)
}

async fn send(socket: &mut Socket, message: Value) -> Option<()> {
    socket.stream.send(Message::text(message.to_string())).await.ok()
}

/// The next message as it is: reading megabytes of JSON would take more time than writing them.
async fn text(socket: &mut Socket) -> Option<Utf8Bytes> {
    loop {
        match socket.stream.next().await?.ok()? {
            Message::Text(text) => return Some(text),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

fn count(done: &AtomicUsize) {
    done.fetch_add(1, Ordering::Relaxed);
}
