//! A network between the server and its database that can fail silently, as NATs, firewalls and hosts do.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// The network in front of a database.
pub struct Network {
    /// Its loopback port.
    pub port: u16,
    state: Arc<State>,
}

struct State {
    /// The database's port.
    target: Mutex<u16>,
    /// Whether new connections are accepted and then ignored.
    is_hole: AtomicBool,
    /// How many new connections are let through before one is ignored, if one is to be.
    until_lost: Mutex<Option<usize>>,
    /// How many ignored connections are open.
    swallowed: AtomicUsize,
    /// How many connections were closed as soon as they were made.
    refused: AtomicUsize,
    /// Connections made before the last one of these were forgotten.
    generation: AtomicU64,
    /// Whether it closes connections, existing and new ones.
    is_cut: watch::Sender<bool>,
}

impl Network {
    /// To the database on this loopback port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            target: Mutex::new(port),
            is_hole: AtomicBool::default(),
            until_lost: Mutex::default(),
            swallowed: AtomicUsize::default(),
            refused: AtomicUsize::default(),
            generation: AtomicU64::default(),
            is_cut: watch::Sender::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { port: own, state }
    }

    /// This URL with the database behind the network.
    pub fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.to_string()
    }

    /// From now on new connections lead to this port.
    pub fn lead_to(&self, port: u16) {
        *self.state.target.lock().unwrap() = port;
    }

    /// Sets whether new connections are accepted and then ignored.
    pub fn swallow(&self, is_hole: bool) {
        self.state.is_hole.store(is_hole, Ordering::SeqCst);
    }

    /// Accepts and then ignores one connection, after this many others.
    pub fn lose_one_after(&self, connections: usize) {
        *self.state.until_lost.lock().unwrap() = Some(connections);
    }

    /// How many ignored connections are open: their clients wait.
    pub fn swallowed(&self) -> usize {
        self.state.swallowed.load(Ordering::SeqCst)
    }

    /// Sets whether all connections are closed, existing and new ones.
    pub fn cut(&self, is_cut: bool) {
        self.state.is_cut.send_replace(is_cut);
    }

    /// How many connections were closed as soon as they were made.
    pub fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }

    /// Stops forwarding on all existing connections, without closing them.
    pub fn forget_connections(&self) {
        self.state.generation.fetch_add(1, Ordering::SeqCst);
    }
}

impl State {
    fn loses_this_one(&self) -> bool {
        let mut until_lost = self.until_lost.lock().unwrap();
        let is_lost = *until_lost == Some(0);
        *until_lost = until_lost.and_then(|count| count.checked_sub(1));
        is_lost
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        if *state.is_cut.borrow() {
            state.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        if state.is_hole.load(Ordering::SeqCst) || state.loses_this_one() {
            tokio::spawn(swallow(client, Arc::clone(&state)));
            continue;
        }
        let port = *state.target.lock().unwrap();
        // Refuses as a database that is down does.
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(forward(from_client, to_server, Arc::clone(&state)));
        tokio::spawn(forward(from_server, to_client, Arc::clone(&state)));
    }
}

/// Reads until the client gives up.
async fn swallow(mut client: TcpStream, state: Arc<State>) {
    state.swallowed.fetch_add(1, Ordering::SeqCst);
    let mut buffer = [0; 1024];
    while let Ok(1..) = client.read(&mut buffer).await {}
    state.swallowed.fetch_sub(1, Ordering::SeqCst);
}

async fn forward(from: OwnedReadHalf, to: OwnedWriteHalf, state: Arc<State>) {
    let mut is_cut = state.is_cut.subscribe();
    tokio::select! {
        () = forward_all(from, to, &state) => {}
        _ = is_cut.wait_for(|is_cut| *is_cut) => {}
    }
}

async fn forward_all(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let generation = state.generation.load(Ordering::SeqCst);
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if state.generation.load(Ordering::SeqCst) != generation {
            // Neither forwarded nor closed.
            std::future::pending::<()>().await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
