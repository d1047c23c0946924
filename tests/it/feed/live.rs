//! Streams of changes: what wakes them, and what they survive.

use std::{pin::Pin, sync::Arc, time::Duration};

use axum::http::HeaderMap;
use futures::{FutureExt, Stream, StreamExt};
use tandem::{
    error::Result,
    live::Hub,
    store::{Target, UserTasks},
    task::{Change, Changes, Since},
};
use tokio::time::timeout;

use crate::{
    skip,
    support::{App, TestDb, User, cluster::Cluster, db, eventually, id_of, path_of, token},
};

/// More than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A stream of a user's changes.
struct Followed(Pin<Box<dyn Stream<Item = Result<Arc<Changes>>> + Send>>);

impl Followed {
    async fn new(app: &App, user: &str, since: Since) -> Self {
        Self(Box::pin(app.live.subscribe(tasks_of(app, user).await, since)))
    }

    /// One that starts at the current end of the feed.
    async fn from_now_on(app: &App, user: &str) -> Self {
        let mut followed = Self::new(app, user, Since::Latest).await;
        assert!(followed.next().await.items.is_empty());
        followed
    }

    async fn next(&mut self) -> Arc<Changes> {
        let next = timeout(PATIENCE, self.0.next()).await.expect("a page in time").expect("an open stream");
        next.map_err(|error| error.report()).unwrap()
    }

    /// The ids of the tasks in the next page.
    async fn next_ids(&mut self) -> Vec<String> {
        self.next().await.items.iter().map(id).collect()
    }

    /// Whether it has nothing to deliver yet.
    fn is_quiet(&mut self) -> bool {
        self.0.next().now_or_never().is_none()
    }
}

fn id(change: &Change) -> String {
    match change {
        Change::Task(task) => task.id.to_string(),
        Change::Deleted(task) => task.id.to_string(),
    }
}

/// What a door has once it has checked the token.
async fn tasks_of(app: &App, user: &str) -> UserTasks {
    let headers =
        HeaderMap::from_iter([("authorization".parse().unwrap(), format!("Bearer {}", token(user)).parse().unwrap())]);
    let token = app.verifier.authenticate(&headers).await.map_err(|error| error.report()).unwrap();
    app.store.tasks(token.user().clone())
}

/// Two servers on one database, the second of which polls for what the first one writes.
async fn two_servers() -> Option<(App, App)> {
    let here = App::on_server().await?;
    let there = here.another().await;
    poll(there.live.clone());
    Some((here, there))
}

fn poll(live: Hub) {
    tokio::spawn(async move { live.keep_polling().await });
}

async fn create(user: &User) -> String {
    id_of(&user.create("New").await).to_owned()
}

#[tokio::test]
async fn a_write_reaches_all_streams_of_its_user_and_no_others() {
    let app = App::new().await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let mut anns = [Followed::from_now_on(&app, "ann").await, Followed::from_now_on(&app, "ann").await];
    let mut bobs = Followed::from_now_on(&app, "bob").await;
    for _ in 0..3 {
        let task = ann.create("New").await;
        for followed in &mut anns {
            assert_eq!(followed.next_ids().await, [id_of(&task)]);
        }
        ann.delete(path_of(&task)).await.status(204);
        for followed in &mut anns {
            assert!(matches!(followed.next().await.items.as_slice(), [Change::Deleted(_)]));
            assert!(followed.is_quiet());
        }
    }
    assert!(bobs.is_quiet());
    let id = create(&bob).await;
    assert_eq!(bobs.next_ids().await, [id]);
}

#[tokio::test]
async fn a_slow_reader_catches_up_page_by_page() {
    let app = App::new().await;
    let ann = app.user("ann");
    let mut followed = Followed::from_now_on(&app, "ann").await;
    let inputs: Vec<_> = (0..100).map(|n| serde_json::json!({ "title": n.to_string() })).collect();
    let mut expected = Vec::new();
    for _ in 0..3 {
        let many = "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id } }";
        let made = ann.graphql(many).variables(serde_json::json!({ "inputs": inputs })).await.good();
        expected.extend(made["createTasks"].as_array().unwrap().iter().map(|task| id_of(task).to_owned()));
    }
    let mut told = Vec::new();
    while told.len() < expected.len() {
        let page = followed.next().await;
        assert!(page.items.len() <= 100);
        told.extend(page.items.iter().map(id));
    }
    assert_eq!(told, expected);
    assert!(followed.is_quiet());
}

#[tokio::test]
async fn a_reset_reaches_the_streams() {
    let Some((here, there)) = two_servers().await else { skip!(Postgres) };
    let ann = here.user("ann");
    let id = create(&ann).await;
    let mut followed = Followed::from_now_on(&there, "ann").await;
    tandem::store::reset_feed(&here.db.config).await.map_err(|error| error.report()).unwrap();
    let page = followed.next().await;
    assert!(page.reset);
    assert_eq!(page.items.iter().map(self::id).collect::<Vec<_>>(), [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_outlive_a_database_that_goes_away_and_catch_up() {
    let Some(cluster) = Cluster::durable() else { skip!(Postgres) };
    let config = db::config(Target::parse(&cluster.url("postgres", "postgres")).unwrap(), 4);
    db::migrate(&config).await;
    let [here, there] = [(); 2].map(|()| TestDb::at(config.clone(), &cluster.url("postgres", "postgres")));
    let (here, there) = (App::on(here).await, App::on(there).await);
    poll(there.live.clone());
    let ann = here.user("ann");
    let mut streams = Vec::new();
    for number in 0..20 {
        let app = if number % 2 == 0 { &here } else { &there };
        streams.push(Followed::from_now_on(app, "ann").await);
    }
    for round in 0..2 {
        let before = create(&ann).await;
        cluster.crash();
        // Some have read it, others find the database gone.
        let waiting = streams.iter_mut().map(|followed| followed.next_ids().now_or_never());
        let early: Vec<_> = waiting.collect();
        cluster.up();
        let mut after = String::new();
        eventually("writes succeed again", async || {
            let answer = ann.post("/api/tasks", serde_json::json!({ "title": "After" })).await;
            after = answer.json["id"].as_str().unwrap_or_default().to_owned();
            !after.is_empty()
        })
        .await;
        for (followed, early) in streams.iter_mut().zip(early) {
            let mut told = early.unwrap_or_default();
            while told.last() != Some(&after) {
                told.extend(followed.next_ids().await);
            }
            assert_eq!(told, [before.as_str(), after.as_str()], "round {round}");
        }
    }
}
