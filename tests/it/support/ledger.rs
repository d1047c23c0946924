//! Clients that write under idempotency keys through both doors, and a ledger of what was acknowledged.
//!
//! A client repeats each write under the same key, at one server after the other, until one acknowledges it. So in the
//! end the database must hold exactly the acknowledged writes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use super::SECRET;

/// How long a client waits for a response, as a frontend's HTTP client might.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it waits before it repeats a request.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the writes in flight may take once the load ends.
const FINISH: Duration = Duration::from_mins(1);

/// A user's task by its title, and the id that was promised.
type Promises = BTreeMap<(String, String), String>;

/// Running clients.
pub struct Load {
    clients: JoinSet<Promises>,
    shared: Arc<Shared>,
}

struct Shared {
    servers: Vec<String>,
    acknowledged: watch::Sender<usize>,
    has_ended: AtomicBool,
    retries: AtomicUsize,
    surprises: Mutex<Vec<String>>,
    /// How long each write took, until it was acknowledged.
    latencies: Mutex<Vec<Duration>>,
    /// How long a client waits between two writes.
    pause: Duration,
}

impl Load {
    /// This many clients, each a user of its own, who start at different servers of the same database.
    pub fn start(servers: impl IntoIterator<Item = String>, clients: usize) -> Self {
        Self::paced(servers, clients, Duration::ZERO)
    }

    /// The same, but clients pause between two writes, so that latencies are those of a server that has time.
    pub fn paced(servers: impl IntoIterator<Item = String>, clients: usize, pause: Duration) -> Self {
        let shared = Arc::new(Shared {
            servers: servers.into_iter().collect(),
            acknowledged: watch::Sender::new(0),
            has_ended: AtomicBool::new(false),
            retries: AtomicUsize::new(0),
            surprises: Mutex::default(),
            latencies: Mutex::default(),
            pause,
        });
        let clients =
            (0..clients).map(|number| Writer::new(number, Arc::clone(&shared)).write_until_the_end()).collect();
        Self { clients, shared }
    }

    /// How many writes were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        *self.shared.acknowledged.borrow()
    }

    /// How many requests failed and were repeated.
    pub fn retries(&self) -> usize {
        self.shared.retries.load(Ordering::Relaxed)
    }

    /// The latency that this share of the writes since the last call had at most.
    pub fn take_percentile(&self, share: f64) -> Duration {
        let mut latencies = std::mem::take(&mut *self.shared.latencies.lock().unwrap());
        latencies.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "few")]
        let rank = (latencies.len() as f64 * share) as usize;
        latencies[rank.min(latencies.len() - 1)]
    }

    /// Waits until this many more writes are acknowledged.
    pub async fn progress(&self, writes: usize) {
        let goal = self.acknowledged() + writes;
        let mut acknowledged = self.shared.acknowledged.subscribe();
        let reached = acknowledged.wait_for(|count| *count >= goal);
        let reached = tokio::time::timeout(Duration::from_mins(1), reached).await;
        assert!(reached.is_ok(), "no progress; {:?}", self.shared.surprises());
    }

    /// Ends the load once every write in flight is acknowledged.
    pub async fn finish(self) -> Ledger {
        self.shared.has_ended.store(true, Ordering::Relaxed);
        let promises = tokio::time::timeout(FINISH, self.clients.join_all()).await;
        let promises = promises.unwrap_or_else(|_| panic!("writes in flight never end; {:?}", self.shared.surprises()));
        Ledger { promises: promises.into_iter().flatten().collect(), surprises: self.shared.surprises() }
    }
}

impl Shared {
    fn surprises(&self) -> Vec<String> {
        self.surprises.lock().unwrap().clone()
    }

    fn surprise(&self, what: String) {
        let mut surprises = self.surprises.lock().unwrap();
        if surprises.len() < 20 {
            surprises.push(what);
        }
    }
}

/// What was promised.
pub struct Ledger {
    promises: Promises,
    surprises: Vec<String>,
}

impl Ledger {
    /// Asserts that the database holds each acknowledged write once and nothing else, and that no response was one that
    /// clients can't handle. The connection must see the rows of all users.
    pub async fn assert_kept(&self, database: &tokio_postgres::Client) {
        assert_eq!(self.surprises, Vec::<String>::new());
        let rows = database.query("SELECT user_id, title, id::text FROM tasks", &[]).await.unwrap();
        let mut held = Promises::new();
        for row in &rows {
            let twice = held.insert((row.get(0), row.get(1)), row.get(2));
            assert_eq!(twice, None, "{} of {} is there twice", row.get::<_, &str>(1), row.get::<_, &str>(0));
        }
        let lost: Vec<_> = self.promises.iter().filter(|(task, id)| held.get(*task) != Some(id)).take(5).collect();
        assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        let unknown: Vec<_> = held.iter().filter(|(task, _)| !self.promises.contains_key(*task)).take(5).collect();
        assert!(unknown.is_empty(), "there and not acknowledged: {unknown:?}");
        assert!(!self.promises.is_empty(), "nothing was written");
    }
}

struct Writer {
    number: usize,
    user: String,
    token: String,
    http: Client,
    server: usize,
    shared: Arc<Shared>,
}

/// Why a request is to be repeated.
struct Retry;

impl Writer {
    fn new(number: usize, shared: Arc<Shared>) -> Self {
        let user = format!("user-{number}");
        let token = tandem::auth::mint(&SECRET.into(), &user, Duration::from_hours(12)).unwrap();
        let http = Client::builder().no_proxy().timeout(CLIENT_TIMEOUT).build().unwrap();
        Self { number, user, token, http, server: number, shared }
    }

    async fn write_until_the_end(mut self) -> Promises {
        let mut promises = Promises::new();
        while !self.shared.has_ended.load(Ordering::Relaxed) {
            let title = format!("{} of {}", promises.len(), self.user);
            let start = Instant::now();
            let id = self.write(&title).await;
            self.shared.latencies.lock().unwrap().push(start.elapsed());
            tokio::time::sleep(self.shared.pause).await;
            promises.insert((self.user.clone(), title), id);
            self.shared.acknowledged.send_modify(|count| *count += 1);
            if promises.len() % 8 == self.number % 8 {
                self.look_at_own_tasks().await;
            }
        }
        promises
    }

    /// Repeats a write under its key until it is acknowledged; the acknowledged id.
    async fn write(&mut self, title: &str) -> String {
        loop {
            let server = &self.shared.servers[self.server % self.shared.servers.len()];
            let request = if self.number.is_multiple_of(2) {
                self.http.post(format!("{server}/api/tasks")).json(&json!({ "title": title }))
            } else {
                let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { id } }";
                let variables = json!({ "input": { "title": title } });
                self.http.post(format!("{server}/graphql")).json(&json!({ "query": query, "variables": variables }))
            };
            let answer = self.ask(request.header("idempotency-key", title.replace(' ', "-"))).await;
            if let Ok(answer) = answer {
                let id = answer.pointer("/data/createTask/id").unwrap_or(&answer["id"]);
                return id.as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned();
            }
            self.shared.retries.fetch_add(1, Ordering::Relaxed);
            self.server += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The response to a request, if it is a success.
    async fn ask(&self, request: RequestBuilder) -> Result<Value, Retry> {
        // Where a server trusts this machine, each client has an address of its own.
        let address = format!("10.0.{}.{}", self.number / 250, self.number % 250);
        let request = request.header("x-forwarded-for", address);
        let response = request.bearer_auth(&self.token).send().await.map_err(|_| Retry)?;
        let status = response.status();
        let answer: Value = response.json().await.map_err(|_| Retry)?;
        let code = answer.get("code").or_else(|| answer.pointer("/errors/0/extensions/code"));
        match code.and_then(Value::as_str) {
            None if status.is_success() => Ok(answer),
            Some("SERVICE_UNAVAILABLE" | "TIMEOUT" | "RATE_LIMITED") => Err(Retry),
            _ => {
                self.shared.surprise(format!("{status} {answer}"));
                Err(Retry)
            }
        }
    }

    async fn look_at_own_tasks(&self) {
        let server = &self.shared.servers[self.server % self.shared.servers.len()];
        let Ok(tasks) = self.ask(self.http.get(format!("{server}/api/tasks?limit=20"))).await else { return };
        let others = tasks.as_array().unwrap().iter().filter(|task| task["user_id"] != self.user);
        others.for_each(|task| self.shared.surprise(format!("{} sees {task}", self.user)));
    }
}
