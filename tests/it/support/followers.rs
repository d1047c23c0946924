//! Clients that write through both doors, clients that follow the change feed, and what the writers were promised.
//!
//! A follower checks every page: versions never fall. When it has caught up, it knows at least what had been acknowledged
//! before it began to. In the end its replica is the list. Some ask for pages, others hold streams.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use super::{
    SECRET, eventually,
    pushers::push,
    replica::{Outlet, PAGE, Replica, in_rest_words},
    stream::OUTLETS,
    watcher::watch,
};

/// How long a client waits for a response.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it waits before it retries elsewhere.
pub(super) const PAUSE: Duration = Duration::from_millis(20);
/// How long a follower's replica may differ from the list once nobody writes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Users with several writers and followers each.
const USERS: usize = 3;
/// Clients that push, besides the writers.
const PUSHERS: usize = 4;
/// How many tasks a writer keeps, more or less.
const KEPT: usize = 20;

/// Running clients.
pub struct Crowd {
    writers: JoinSet<()>,
    followers: JoinSet<()>,
    shared: Arc<Shared>,
}

struct Shared {
    servers: Vec<String>,
    http: Client,
    users: [Promised; USERS],
    has_ended: AtomicBool,
    writes: AtomicUsize,
    pages: AtomicUsize,
    changes: AtomicUsize,
}

/// What was acknowledged to one user's writers: by id the version, and whether a deletion was attempted.
#[derive(Default)]
struct Promised(Mutex<BTreeMap<String, (i64, bool)>>);

impl Crowd {
    /// This many writers, and as many followers through each outlet, spread over these servers on one database.
    pub fn start(servers: impl IntoIterator<Item = String>, writers: usize, followers: usize) -> Self {
        let shared = Arc::new(Shared {
            servers: servers.into_iter().collect(),
            http: Client::builder().no_proxy().timeout(CLIENT_TIMEOUT).build().unwrap(),
            users: Default::default(),
            has_ended: AtomicBool::new(false),
            writes: AtomicUsize::new(0),
            pages: AtomicUsize::new(0),
            changes: AtomicUsize::new(0),
        });
        let pushers = (0..PUSHERS).map(|number| {
            let outlet = if number.is_multiple_of(2) { Outlet::Rest } else { Outlet::Graphql };
            push(Actor::new(number, &shared), outlet)
        });
        let mut writers: JoinSet<()> = (0..writers).map(|number| write(Actor::new(number, &shared))).collect();
        pushers.for_each(|pusher| drop(writers.spawn(pusher)));
        let outlets = [Outlet::Rest, Outlet::Graphql].into_iter().cycle();
        let pulling =
            (0..2 * followers).zip(outlets).map(|(number, outlet)| follow(Actor::new(number, &shared), outlet));
        let mut pulling: JoinSet<()> = pulling.collect();
        let streams = (0..OUTLETS.len() * followers).zip(OUTLETS.into_iter().cycle());
        for (number, outlet) in streams {
            pulling.spawn(watch(Actor::new(number, &shared), outlet));
        }
        Self { writers, followers: pulling, shared }
    }

    /// Waits until this many more writes are acknowledged and as many changes delivered.
    pub async fn progress(&self, count: usize) {
        let goals = [&self.shared.writes, &self.shared.changes]
            .map(|counter| (counter, counter.load(Ordering::Relaxed) + count));
        let is_there = || goals.iter().all(|(counter, goal)| counter.load(Ordering::Relaxed) >= *goal);
        eventually("writers and followers make progress", async || is_there()).await;
    }

    /// Ends the writers; then every follower's replica must be the list.
    pub async fn finish(mut self) -> String {
        self.shared.has_ended.store(true, Ordering::Relaxed);
        for clients in [&mut self.writers, &mut self.followers] {
            while let Some(ended) = clients.join_next().await {
                ended.unwrap();
            }
        }
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let Shared { writes, pages, changes, .. } = &*self.shared;
        format!("{} writes acknowledged, {} changes told in {} pages", count(writes), count(changes), count(pages))
    }
}

/// One client, which tries the servers in turn.
pub(super) struct Actor {
    user: usize,
    pub(super) token: String,
    server: usize,
    shared: Arc<Shared>,
}

impl Actor {
    fn new(number: usize, shared: &Arc<Shared>) -> Self {
        let user = number % USERS;
        let token = tandem::auth::mint(&SECRET.into(), &format!("user-{user}"), Duration::from_hours(12)).unwrap();
        Self { user, token, server: number, shared: Arc::clone(shared) }
    }

    fn promised(&self) -> &Mutex<BTreeMap<String, (i64, bool)>> {
        &self.shared.users[self.user].0
    }

    pub(super) fn has_ended(&self) -> bool {
        self.shared.has_ended.load(Ordering::Relaxed)
    }

    /// The server this client is at.
    pub(super) fn server(&self) -> &str {
        &self.shared.servers[self.server % self.shared.servers.len()]
    }

    /// Goes to the next server.
    pub(super) async fn move_on(&mut self) {
        self.server += 1;
        sleep(PAUSE).await;
    }

    /// The response of this client's server; on a failure none, and it moves on to the next server.
    pub(super) async fn ask(&mut self, request: impl FnOnce(&Client, &str) -> RequestBuilder) -> Option<Value> {
        let answer = request(&self.shared.http, self.server()).bearer_auth(&self.token).send().await;
        let answer = match answer {
            Ok(answer) if answer.status().is_success() => answer.json::<Value>().await.ok(),
            Ok(answer) if answer.status() == 404 => return Some(Value::Null),
            Ok(answer) => {
                assert!(matches!(answer.status().as_u16(), 503 | 504), "{answer:?}");
                None
            }
            Err(_) => None,
        };
        if answer.as_ref().is_none_or(|answer| answer.get("errors").is_some()) {
            if let Some(answer) = &answer {
                let code = answer.pointer("/errors/0/extensions/code").and_then(Value::as_str).unwrap_or_default();
                assert!(matches!(code, "SERVICE_UNAVAILABLE" | "TIMEOUT" | "NOT_FOUND"), "{answer}");
            }
            self.move_on().await;
            return None;
        }
        answer
    }

    pub(super) async fn graphql(&mut self, query: &str, variables: Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": variables });
        let mut answer = self.ask(|http, server| http.post(format!("{server}/graphql")).json(&body)).await?;
        Some(answer.get_mut("data")?.take())
    }

    /// Notes what was acknowledged of a task.
    fn acknowledge(&self, task: &Value) {
        let (Some(id), Some(version)) = (task["id"].as_str(), task["version"].as_i64()) else { return };
        let mut promised = self.promised().lock().unwrap();
        let known = promised.entry(id.to_owned()).or_default();
        known.0 = known.0.max(version);
        self.shared.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// Any task that a writer has created.
    fn any_task(&self) -> Option<String> {
        let promised = self.promised().lock().unwrap();
        let there: Vec<_> = promised.iter().filter(|(_, (_, is_gone))| !is_gone).map(|(id, _)| id).collect();
        (!there.is_empty()).then(|| there[dice(there.len())].clone())
    }

    /// A task that others may change, and whose version is not known.
    pub(super) fn introduce(&self, id: &str) {
        self.promised().lock().unwrap().entry(id.to_owned()).or_default();
    }

    pub(super) fn wrote(&self, changes: usize) {
        self.shared.writes.fetch_add(changes, Ordering::Relaxed);
    }

    pub(super) fn doom(&self, id: &str) {
        self.promised().lock().unwrap().entry(id.to_owned()).or_default().1 = true;
    }

    pub(super) async fn list(&mut self) -> Value {
        loop {
            if let Some(list) = self.ask(|http, server| http.get(format!("{server}/api/tasks?limit=1000"))).await {
                return list;
            }
        }
    }

    /// Counts and applies a page, which must not be a reset; whether there is more.
    pub(super) fn told(&self, page: &Value, replica: &mut Replica) -> bool {
        assert_eq!(page["reset"], false, "nothing was lost: {page}");
        self.shared.pages.fetch_add(1, Ordering::Relaxed);
        self.shared.changes.fetch_add(page["changes"].as_array().unwrap().len(), Ordering::Relaxed);
        replica.apply(page)
    }
}

pub(super) fn dice(sides: usize) -> usize {
    usize::try_from(Uuid::new_v4().as_u128() % sides as u128).unwrap()
}

/// Creates, changes and deletes tasks, one after the other, alone and in bulk.
async fn write(mut actor: Actor) {
    while !actor.has_ended() {
        let there = actor.promised().lock().unwrap().values().filter(|(_, is_gone)| !is_gone).count();
        let Some(id) = actor.any_task().filter(|_| there > KEPT / 2) else {
            create(&mut actor).await;
            continue;
        };
        match dice(if there > KEPT { 12 } else { 10 }) {
            0..3 => create(&mut actor).await,
            3..5 => {
                let task = actor.ask(|http, server| http.patch(format!("{server}/api/tasks/{id}/complete"))).await;
                actor.acknowledge(&task.unwrap_or_default());
            }
            5..8 => {
                let query = "mutation($id: ID!, $title: String!) { updateTask(id: $id, input: { title: $title }) { id version } }";
                let data = actor.graphql(query, json!({ "id": id, "title": Uuid::new_v4().to_string() })).await;
                actor.acknowledge(&data.unwrap_or_default()["updateTask"]);
            }
            8 => {
                let query = "mutation($ids: [ID!]!) { completeTasks(ids: $ids) { tasks { id version } } }";
                let data = actor.graphql(query, json!({ "ids": [id] })).await.unwrap_or_default();
                data["completeTasks"]["tasks"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .for_each(|task| actor.acknowledge(task));
            }
            9 => {
                actor.doom(&id);
                let data = actor
                    .graphql("mutation($ids: [ID!]!) { deleteTasks(ids: $ids) { ids } }", json!({ "ids": [id] }))
                    .await;
                drop(data);
            }
            _ => {
                actor.doom(&id);
                let data = actor
                    .graphql("mutation($id: ID!) { deleteTask(id: $id) { id version } }", json!({ "id": id }))
                    .await;
                actor.acknowledge(&data.unwrap_or_default()["deleteTask"]);
            }
        }
    }
}

async fn create(actor: &mut Actor) {
    let title = json!({ "title": Uuid::new_v4().to_string() });
    if dice(2) == 0 {
        let task = actor.ask(|http, server| http.post(format!("{server}/api/tasks")).json(&title)).await;
        actor.acknowledge(&task.unwrap_or_default());
    } else {
        let query = "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id version } }";
        let data = actor.graphql(query, json!({ "inputs": [title, title] })).await.unwrap_or_default();
        data["createTasks"].as_array().into_iter().flatten().for_each(|task| actor.acknowledge(task));
    }
}

/// Follows the feed in pages of any size, now and then from an earlier state, as after a crash.
async fn follow(mut actor: Actor, outlet: Outlet) {
    let (mut replica, mut saved) = (Replica::default(), Replica::default());
    while !actor.has_ended() {
        match dice(12) {
            0 => saved = replica.clone(),
            1 => replica = saved.clone(),
            2 => catch_up(&mut actor, outlet, &mut replica).await,
            _ => {
                pull(&mut actor, outlet, &mut replica).await;
            }
        }
    }
    // Writes that were not acknowledged may still be in flight.
    let settled = async {
        loop {
            catch_up(&mut actor, outlet, &mut replica).await;
            if replica.is(&actor.list().await) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("the replica becomes the list");
}

/// Reads one page; whether there is more.
async fn pull(actor: &mut Actor, outlet: Outlet, replica: &mut Replica) -> bool {
    let limit = 1 + dice(40);
    let page = match outlet {
        Outlet::Rest => {
            let path = replica.path(limit);
            actor.ask(|http, server| http.get(format!("{server}{path}"))).await
        }
        Outlet::Graphql => actor.graphql(PAGE, replica.variables(limit)).await.map(|data| in_rest_words(&data)),
    };
    let Some(page) = page else { return true };
    actor.told(&page, replica)
}

/// Reads to the end, and asserts that it has what was acknowledged before.
async fn catch_up(actor: &mut Actor, outlet: Outlet, replica: &mut Replica) {
    let promised = actor.promised().lock().unwrap().clone();
    while pull(actor, outlet, replica).await {}
    for (id, (version, is_gone)) in promised {
        let known = replica.version(&id);
        // What was deleted before the replica started isn't in the feed.
        let is_untold = known == 0 && (is_gone || actor.was_doomed(&id));
        assert!(known >= version || is_untold, "{id} at {known} instead of {version}");
    }
}

impl Actor {
    /// Whether a deletion was attempted by now.
    pub(super) fn was_doomed(&self, id: &str) -> bool {
        self.promised().lock().unwrap().get(id).is_some_and(|(_, is_gone)| *is_gone)
    }
}
