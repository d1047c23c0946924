//! Writes whose commit is delayed after they have taken their position: no cursor passes them.

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::{
    skip,
    support::{Answer, App, Call, Lock, TestDb, User, check_all, eventually, id_of, lock::blocked, replica::Replica},
};

/// Two servers, and a task of Ann's that the test has locked.
struct Held {
    here: App,
    there: App,
    /// Holds the row's lock.
    holder: Client,
    /// To each server of the database.
    watchers: Vec<Client>,
    task: Value,
    replica: Replica,
}

impl Held {
    async fn new() -> Option<Self> {
        let here = App::on_server().await?;
        let there = here.another().await;
        let ann = here.user("ann");
        let task = ann.create("Held").await;
        let mut replica = Replica::default();
        replica.catch_up(&ann).await;
        let (holder, watchers) = (here.db.superuser().await, here.db.superusers().await);
        let hold = format!("BEGIN; SELECT 1 FROM tasks WHERE user_id = 'ann' AND id = '{}' FOR UPDATE", id_of(&task));
        holder.batch_execute(&hold).await.unwrap();
        Some(Self { here, there, holder, watchers, task, replica })
    }

    /// How many statements wait for a lock.
    async fn waiting(&self) -> i64 {
        join_all(self.watchers.iter().map(blocked)).await.into_iter().sum()
    }

    /// Sends a change of the task, which takes its position and then waits.
    async fn hold_up(&self) -> JoinHandle<Answer> {
        let held = tokio::spawn(self.here.user("ann").toggle(&self.task).send());
        eventually("the change waits", async || self.waiting().await == 1).await;
        held
    }

    /// Sends another write of the same user, and returns once it waits, too, or is done.
    async fn follow_up(&self, write: Call) -> JoinHandle<Answer> {
        let write = tokio::spawn(write.send());
        eventually("the next one waits, or is done", async || write.is_finished() || self.waiting().await == 2).await;
        write
    }

    /// Ann's replica, which reads while the writes wait and after they are done, is the list.
    async fn assert_followed(&mut self) {
        let ann = self.there.user("ann");
        self.replica.catch_up(&ann).await;
        self.replica.assert_is(&ann.tasks().await);
    }
}

/// What Ann may do meanwhile at the other server.
fn writes(ann: &User) -> [Call; 3] {
    let bulk = "mutation { createTasks(inputs: [{ title: \"a\" }, { title: \"b\" }]) { id } }";
    [
        ann.post("/api/tasks", json!({ "title": "Next" })),
        ann.graphql(bulk),
        ann.graphql("mutation { completeAll { count } }"),
    ]
}

#[tokio::test]
async fn no_cursor_passes_a_change_that_commits_late() {
    check_all(0..3, async |index| {
        let Some(mut held) = Held::new().await else { skip!(Postgres) };
        let late = held.hold_up().await;
        let next = held.follow_up(writes(&held.there.user("ann")).into_iter().nth(index).unwrap()).await;
        let ann = held.there.user("ann");
        held.replica.catch_up(&ann).await;
        held.holder.batch_execute("COMMIT").await.unwrap();
        assert!(late.await.unwrap().status.is_success());
        next.await.unwrap().good();
        held.assert_followed().await;
    })
    .await;
}

#[tokio::test]
async fn an_aborted_change_leaves_no_gap() {
    let Some(mut held) = Held::new().await else { skip!(Postgres) };
    let late = held.hold_up().await;
    let next = held.follow_up(held.there.user("ann").post("/api/tasks", json!({ "title": "Next" }))).await;
    let give_up = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND query LIKE 'UPDATE%' AND state = 'active'";
    assert_eq!(held.watchers[0].query(give_up, &[]).await.unwrap().len(), 1);
    late.await.unwrap().refused(503, "SERVICE_UNAVAILABLE");
    next.await.unwrap().good();
    held.holder.batch_execute("COMMIT").await.unwrap();
    held.assert_followed().await;
}

#[tokio::test]
async fn other_users_and_readers_do_not_wait() {
    let Some(held) = Held::new().await else { skip!(Postgres) };
    let late = held.hold_up().await;
    let bob = held.here.user("bob");
    bob.create("Bob's").await;
    for ann in [held.here.user("ann"), held.there.user("ann")] {
        assert_eq!(ann.tasks().await[0]["completed"], false);
        assert_eq!(ann.get(held.replica.path(10)).await.good()["changes"], json!([]));
    }
    held.holder.batch_execute("COMMIT").await.unwrap();
    late.await.unwrap().good();
}

#[tokio::test]
async fn waiting_writes_of_one_user_take_no_connections_from_others() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    db.config.pool_size = 2;
    let app = App::on(db).await;
    let ann = app.user("ann");
    let task = ann.create("Held").await;
    let lock = Lock::rows(&app.db).await;
    let waiting: Vec<_> = (0..20).map(|_| tokio::spawn(ann.toggle(&task).send())).collect();
    tokio::task::yield_now().await;
    app.user("bob").create("Bob's").await;
    lock.release().await;
    for answer in join_all(waiting).await {
        answer.unwrap().good();
    }
    assert_eq!(ann.tasks().await[0]["version"], 21);
}
