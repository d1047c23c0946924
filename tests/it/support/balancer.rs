//! A load balancer that follows readiness, and clients behind it that don't retry.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::json;
use tokio::task::JoinSet;

use super::{eventually, http_client, token};

/// How often readiness is checked.
const PERIOD: Duration = Duration::from_millis(20);

/// Knows which servers are ready.
pub struct Balancer {
    servers: Vec<(String, AtomicBool)>,
    next: AtomicUsize,
}

impl Balancer {
    /// The server whose turn it is.
    fn pick(&self) -> Option<&str> {
        let ready: Vec<_> = self.servers.iter().filter(|(_, ready)| ready.load(Ordering::Relaxed)).collect();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        ready.get(turn % ready.len().max(1)).map(|(url, _)| url.as_str())
    }

    pub async fn until_ready(&self, url: &str) {
        let (_, ready) = self.servers.iter().find(|(known, _)| known == url).unwrap();
        eventually("the balancer sees that it is ready", async || ready.load(Ordering::Relaxed)).await;
    }

    /// Checks one server again and again.
    async fn watch(self: Arc<Self>, index: usize) {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().unwrap();
        let (url, ready) = &self.servers[index];
        loop {
            let answer = client.get(format!("{url}/readyz")).send().await;
            ready.store(answer.is_ok_and(|answer| answer.status().is_success()), Ordering::Relaxed);
            tokio::time::sleep(PERIOD).await;
        }
    }
}

/// Running clients.
pub struct Traffic {
    pub balancer: Arc<Balancer>,
    shared: Arc<Shared>,
    clients: JoinSet<()>,
    watchers: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    has_ended: AtomicBool,
    answered: AtomicU64,
    created: AtomicU64,
    slowest: Mutex<Duration>,
    failures: Mutex<Vec<String>>,
}

impl Shared {
    fn failed(&self, failure: &str) {
        self.failures.lock().unwrap().push(failure.to_owned());
    }
}

/// The outcomes of the requests.
pub struct Summary {
    pub requests: u64,
    /// How many tasks were created.
    pub tasks: u64,
    pub slowest: Duration,
    pub failures: Vec<String>,
}

impl Traffic {
    /// This many clients, spread over the servers that are ready.
    pub async fn start(servers: impl IntoIterator<Item = String>, clients: usize) -> Self {
        let servers: Vec<_> = servers.into_iter().map(|url| (url, AtomicBool::new(false))).collect();
        let count = servers.len();
        let balancer = Arc::new(Balancer { servers, next: AtomicUsize::new(0) });
        let watchers = (0..count).map(|index| Arc::clone(&balancer).watch(index)).collect();
        for (url, _) in &balancer.servers {
            balancer.until_ready(url).await;
        }
        let shared = Arc::<Shared>::default();
        let clients = (0..clients).map(|number| work(number, Arc::clone(&balancer), Arc::clone(&shared))).collect();
        Self { balancer, shared, clients, watchers }
    }

    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Waits until this many more requests are answered.
    pub async fn progress(&self, requests: u64) {
        let goal = self.answered() + requests;
        eventually("requests are answered", async || self.answered() >= goal).await;
    }

    /// Ends the load once every request is answered.
    pub async fn finish(mut self) -> Summary {
        self.shared.has_ended.store(true, Ordering::Relaxed);
        while self.clients.join_next().await.is_some() {}
        self.watchers.abort_all();
        let shared = &self.shared;
        Summary {
            requests: self.answered(),
            tasks: shared.created.load(Ordering::Relaxed),
            slowest: *shared.slowest.lock().unwrap(),
            failures: shared.failures.lock().unwrap().clone(),
        }
    }
}

/// Writes and reads through both doors over keep-alive connections.
async fn work(number: usize, balancer: Arc<Balancer>, shared: Arc<Shared>) {
    let (client, token) = (http_client(), token(&format!("user-{number}")));
    for turn in 0_usize.. {
        if shared.has_ended.load(Ordering::Relaxed) {
            return;
        }
        let Some(url) = balancer.pick() else { return shared.failed("no server is ready") };
        let (request, is_write) = match (turn + number) % 3 {
            0 => (client.post(format!("{url}/api/tasks")).json(&json!({ "title": "a" })), true),
            1 => {
                let create = json!({ "query": "mutation { createTask(input: { title: \"a\" }) { id } }" });
                (client.post(format!("{url}/graphql")).json(&create), true)
            }
            _ => (client.get(format!("{url}/api/tasks?limit=5")), false),
        };
        let started = Instant::now();
        let failure = match request.bearer_auth(&token).send().await {
            Err(error) => Some(format!("{error:?}")),
            Ok(answer) => {
                let status = answer.status();
                let text = answer.text().await.unwrap_or_else(|error| format!("\"errors\" {error:?}"));
                (!status.is_success() || text.contains("\"errors\"")).then(|| format!("{status} {text}"))
            }
        };
        let mut slowest = shared.slowest.lock().unwrap();
        *slowest = (*slowest).max(started.elapsed());
        drop(slowest);
        match failure {
            Some(failure) => shared.failed(&failure),
            None => drop(shared.created.fetch_add(u64::from(is_write), Ordering::Relaxed)),
        }
        shared.answered.fetch_add(1, Ordering::Relaxed);
    }
}
