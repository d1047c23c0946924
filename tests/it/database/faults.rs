//! Faults of the database, the network and the server, under load: acknowledged writes are kept, and happen once.

use serde_json::json;
use tandem::store::Target;
use tokio_postgres::Client;

use crate::{
    skip,
    support::{
        Call, User,
        cluster::Cluster,
        db, eventually,
        instance::Instance,
        ledger::Load,
        proxy::{Direction, Proxy, proxied},
    },
};

/// How many clients write at the same time.
const CLIENTS: usize = 16;
/// How many writes show progress.
const SOME: usize = 50;
/// Short enough for a test to see them exceeded.
const LIMITS: [(&str, &str); 3] =
    [("STATEMENT_TIMEOUT", "2s"), ("CHECKOUT_TIMEOUT", "2s"), ("DATABASE_POOL_SIZE", "8")];

/// A cluster that keeps its promises, with servers on one database of it.
struct Site {
    cluster: Cluster,
    servers: Vec<Instance>,
}

impl Site {
    async fn with(servers: usize) -> Option<Self> {
        let cluster = Cluster::durable()?;
        let url = cluster.url("postgres", "postgres");
        db::migrate(&db::config(Target::parse(&url).unwrap(), 1)).await;
        let mut site = Self { cluster, servers: Vec::new() };
        for _ in 0..servers {
            site.servers.push(Instance::start(&url, &LIMITS).await);
        }
        Some(site)
    }

    /// Clients that have written already.
    async fn load(&self) -> Load {
        let load = Load::start(self.servers.iter().map(Instance::url), CLIENTS);
        load.progress(SOME).await;
        load
    }

    async fn admin(&self) -> Client {
        db::connect(&self.cluster.url("postgres", "postgres")).await
    }

    /// Waits until writes succeed again, and asserts that every promise was kept.
    async fn settle(&self, load: Load) {
        load.progress(SOME).await;
        load.finish().await.assert_kept(&self.admin().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_database_loses_no_acknowledged_write() {
    let Some(site) = Site::with(1).await else { skip!(Postgres) };
    let load = site.load().await;
    for _ in 0..2 {
        site.cluster.crash();
        site.cluster.up();
        load.progress(SOME).await;
    }
    site.settle(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_loses_no_acknowledged_write() {
    let Some(site) = Site::with(1).await else { skip!(Postgres) };
    let load = site.load().await;
    let frozen = site.cluster.freeze().await;
    // Clients wait for the statement's limit or for that of the checkout: each of them, as often as both together.
    let met = load.retries() + 2 * CLIENTS;
    eventually("every limit of the server is exceeded", async || load.retries() >= met).await;
    drop(frozen);
    site.settle(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terminated_backends_lose_no_acknowledged_write() {
    let Some(site) = Site::with(1).await else { skip!(Postgres) };
    let load = site.load().await;
    let admin = site.admin().await;
    for _ in 0..10 {
        let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tandem'";
        admin.execute(all, &[]).await.unwrap();
        load.progress(SOME).await;
    }
    site.settle(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_no_acknowledged_write() {
    let Some(mut site) = Site::with(1).await else { skip!(Postgres) };
    let load = site.load().await;
    for _ in 0..3 {
        site.servers[0].restart().await;
        load.progress(SOME).await;
    }
    site.settle(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_at_another_server_on_the_same_database_write_once() {
    let Some(mut site) = Site::with(2).await else { skip!(Postgres) };
    let load = site.load().await;
    for server in [0, 1, 0] {
        site.servers[server].kill();
        load.progress(SOME).await;
        site.servers[server].restart().await;
        load.progress(SOME).await;
    }
    site.settle(load).await;
}

/// More than the messages of any transaction, in either direction.
const MANY_MESSAGES: usize = 60;

/// Cuts the connection at each message of a request in turn. The test makes the request, ends with
/// [`Proxy::cancel_cut`], and says whether that came before the cut: the request has no more messages.
async fn cut_at_every_message(proxy: &Proxy, direction: Direction, mut test: impl AsyncFnMut(usize) -> bool) {
    for messages in 0..MANY_MESSAGES {
        proxy.cut_after(messages, direction);
        if test(messages).await {
            assert!(messages > 8, "{direction:?}: a transaction has more than {messages} messages");
            return;
        }
    }
    panic!("{direction:?}: still cut after {MANY_MESSAGES} messages");
}

#[tokio::test]
async fn a_write_that_is_cut_at_any_message_is_done_once() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let rest = |title: &str| ann.post("/api/tasks", json!({ "title": title }));
    let graphql = |title: &str| {
        let create = "mutation($title: String!) { createTask(input: { title: $title }) { id } }";
        ann.graphql(create).variables(json!({ "title": title }))
    };
    let mut expected = Vec::new();
    for direction in [Direction::Requests, Direction::Answers] {
        for (door, write) in [("rest", &rest as &dyn Fn(&str) -> Call), ("graphql", &graphql)] {
            write("warm").key("warm").await;
            cut_at_every_message(&proxy, direction, async |messages| {
                let title = format!("{door} {direction:?} {messages}");
                let key = title.replace(' ', "-");
                let cut = write(&title).key(&key).await;
                assert!(matches!(cut.code(), "" | "SERVICE_UNAVAILABLE"), "{cut}");
                let was_last = proxy.cancel_cut();
                let (first, second) = (write(&title).key(&key).await, write(&title).key(&key).await);
                assert_eq!(first.good(), second.good());
                expected.push(title);
                was_last
            })
            .await;
        }
    }
    let listed = titles(&ann).await;
    expected.push("warm".to_owned());
    expected.sort();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn a_read_that_is_cut_at_any_message_is_still_answered() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    ann.create("Still here").await;
    for direction in [Direction::Requests, Direction::Answers] {
        cut_at_every_message(&proxy, direction, async |_| {
            assert_eq!(ann.tasks().await[0]["title"], "Still here");
            proxy.cancel_cut()
        })
        .await;
    }
}

async fn titles(user: &User) -> Vec<String> {
    let tasks = user.get("/api/tasks?limit=1000&sort=title").await.good();
    let mut titles: Vec<_> =
        tasks.as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}
