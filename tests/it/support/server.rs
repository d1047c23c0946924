//! The binary as a server, called over sockets by a client that follows no rules.

use std::{
    io::{BufRead, BufReader},
    net::{IpAddr, SocketAddr},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{SECRET, TestDb, cluster::scratch_dir, command::tandem};

/// How long to wait for a response, or for the end of a connection.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running server on a database of its own.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    /// Where it serves its metrics, if it does.
    pub metrics: Option<SocketAddr>,
    pub db: TestDb,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// With these settings; `None` where there is no PostgreSQL server.
    pub async fn with(settings: &[(&str, &str)]) -> Option<Self> {
        let db = TestDb::on_server().await?;
        let mut command = tandem(&scratch_dir(), &["--port", "0"]);
        command.env("DATABASE_URL", db.url()).env("BETTER_AUTH_SECRET", SECRET).envs(settings.iter().copied());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut metrics = None;
        let address = loop {
            let line = log.next().expect("it ended before it served").unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            let address = || line["address"].as_str().unwrap().parse().unwrap();
            match line["message"].as_str() {
                Some("serving metrics") => metrics = Some(address()),
                Some("serving") => break address(),
                _ => {}
            }
        };
        let heard = Arc::new(Mutex::new(String::new()));
        let hearing = Arc::clone(&heard);
        std::thread::spawn(move || log.map_while(Result::ok).for_each(|line| *hearing.lock().unwrap() += &line));
        Some(Self { process, address, metrics, db, log: heard })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has logged since it started serving.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// As a client of another address on this machine.
    pub async fn connect_from(&self, address: IpAddr) -> Client {
        Client::to(self.address, address).await
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap().success());
    }

    /// What it has of the machine's memory, in KiB.
    pub fn memory(&self) -> usize {
        self.status("VmRSS:")
    }

    /// The most memory it ever had, in KiB.
    pub fn peak_memory(&self) -> usize {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
        value.unwrap().parse().unwrap()
    }

    pub async fn ended(mut self) -> Option<i32> {
        tokio::task::spawn_blocking(move || self.process.wait().unwrap().code()).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client that sends any bytes at any time.
pub struct Client(pub TcpStream);

impl Client {
    /// A connection from one address of this machine to another.
    pub async fn to(server: SocketAddr, from: IpAddr) -> Self {
        Self::try_to(server, from).await.unwrap()
    }

    /// The same; `None` if it is refused.
    pub async fn try_to(server: SocketAddr, from: IpAddr) -> Option<Self> {
        let socket = TcpSocket::new_v4().ok()?;
        socket.bind(SocketAddr::new(from, 0)).ok()?;
        socket.connect(server).await.ok().map(Self)
    }

    /// Whether the server answers on it.
    pub async fn is_open(&mut self) -> bool {
        let is_sent = self.0.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok();
        is_sent && self.0.read_u8().await.is_ok()
    }

    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.write_all(text.as_ref()).await.unwrap();
    }

    /// Everything until the server closes the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await;
        read.unwrap_or_else(|_| panic!("never closed, after {:?}", String::from_utf8_lossy(&bytes))).unwrap();
        bytes
    }

    /// The next response, whose body has a length; the connection stays open.
    pub async fn answer(&mut self) -> RawAnswer {
        let mut answer = self.head().await;
        answer.body.resize(answer.header("content-length").parse().unwrap(), 0);
        self.0.read_exact(&mut answer.body).await.unwrap();
        answer
    }

    /// The next response, whose body is left unread.
    pub async fn head(&mut self) -> RawAnswer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, self.0.read_u8()).await.expect("an answer in time");
            head.push(byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&head))));
        }
        RawAnswer::parse(&String::from_utf8(head).unwrap())
    }

    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> RawAnswer {
        self.send(request).await;
        self.answer().await
    }
}

/// A response.
pub struct RawAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl RawAnswer {
    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status,
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            body: Vec::new(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|header| header.0 == name).map_or("", |header| &header.1)
    }

    /// The error's code, through either door.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = body.get("code").or_else(|| body.pointer("/errors/0/extensions/code"));
        code.and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}
