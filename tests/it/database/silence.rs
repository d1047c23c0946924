//! Connections to the database that go silent in the middle of a transaction, without being closed. The database waits for
//! the rest, and holds what the transaction has locked.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tandem::store::{DbConfig, Target};
use tokio::time::timeout;

use crate::{
    skip,
    support::{
        App, Lock, TestDb, eventually, path_of,
        pgbouncer::PgBouncer,
        proxy::{Direction, Proxy},
    },
};

/// How soon after the silence a user can write again.
const RECOVERY: Duration = Duration::from_secs(10);

/// A server of its own in front of a database that others use too, and what its connections go through.
async fn behind_a_proxy(db: &TestDb, change: impl FnOnce(&mut DbConfig)) -> (App, Proxy) {
    let proxy = Proxy::before(db.url()).await;
    let mut config = DbConfig {
        target: Target::parse(&proxy.url).unwrap(),
        pool_size: 4,
        statement_timeout: Duration::from_secs(2),
        ..db.config.clone()
    };
    change(&mut config);
    (App::on(TestDb::at(config, db.url())).await, proxy)
}

/// Where a write goes silent: behind this many messages in one direction, and bytes of the next one.
type Place = (usize, usize, Direction);

/// Lets a write of these tasks go silent there, and has the user write again. The case if that doesn't succeed.
async fn writes_again(db: &TestDb, place: Place, tasks: &[Value], single_sync: bool) -> Option<String> {
    let (app, proxy) = behind_a_proxy(db, |config| config.single_sync = single_sync).await;
    let (messages, bytes, direction) = place;
    let case = format!("{place:?} of {} tasks, single Sync: {single_sync}", tasks.len());
    let user = app.user(&case.replace(|other: char| !other.is_alphanumeric(), "-"));
    let create = || match tasks {
        [task] => user.post("/api/tasks", task.clone()).send(),
        tasks => user.post("/api/tasks/bulk", json!({ "create": tasks })).send(),
    };
    // So that all is prepared, on a connection that the next one gets.
    for _ in 0..2 {
        create().await.good();
    }
    proxy.silence_after(messages, bytes, direction);
    let first = tokio::spawn(create());
    eventually("the silence", async || !proxy.is_cut_due() || first.is_finished()).await;
    proxy.cancel_cut();
    let again = async { while !create().await.status.is_success() {} };
    let recovered = timeout(RECOVERY, again).await;
    first.await.unwrap();
    recovered.is_err().then_some(case)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_can_write_again_wherever_a_write_went_silent() {
    let short = vec![json!({ "title": "Buy milk" })];
    // A message that takes several TCP segments, and a transaction that is written in several parts.
    let segments = vec![json!({ "title": "Buy milk", "description": "語".repeat(1_000) })];
    let large = vec![segments[0].clone(); 10];
    let requests = |messages, bytes| (messages, bytes, Direction::Requests);
    // More messages than there are, and in each case the beginning of the next one. Of half a header a pooler sends nothing,
    // and keeps a connection for it that looks idle: of those it has few.
    let bytes: &[usize] = if PgBouncer::shared().is_some() { &[0, 7] } else { &[0, 3, 7] };
    let at_each = |count: usize| (0..count).flat_map(move |at| bytes.iter().map(move |bytes| requests(at, *bytes)));
    let cases: Vec<(Place, &[Value], bool)> = at_each(20)
        .map(|place| (place, &*short, true))
        .chain([4, 5, 6, 7].map(|messages| (requests(messages, 1_448), &*segments, true)))
        .chain(at_each(12).map(|place| (place, &*large, true)))
        .chain(at_each(12).map(|place| (place, &*short, false)))
        .chain((0..6).map(|messages| ((messages, 0, Direction::Answers), &*short, true)))
        .collect();
    // Each group has a database of its own, as a pooler has few connections to each.
    let attempts = cases.chunks(cases.len().div_ceil(12)).map(async |some| {
        let db = TestDb::on_server().await?;
        let mut failed = Vec::new();
        for (place, tasks, single_sync) in some {
            failed.extend(writes_again(&db, *place, tasks, *single_sync).await);
        }
        Some(failed)
    });
    let failed: Option<Vec<_>> = join_all(attempts).await.into_iter().collect();
    let Some(failed) = failed else { skip!(Postgres) };
    assert!(failed.concat().is_empty(), "no write for {RECOVERY:?} after a silence at {failed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_only_slow_is_left_alone() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let patient = |config: &mut DbConfig| config.statement_timeout = Duration::from_mins(1);
    let (first, _proxy) = behind_a_proxy(&db, patient).await;
    let (second, _proxy) = behind_a_proxy(&db, patient).await;
    let task = path_of(&first.user("ann").create("Buy milk").await);
    let lock = Lock::rows(&db).await;
    let slow = tokio::spawn(first.user("ann").patch(&task, json!({ "title": "slow" })).send());
    lock.blocks(1).await;
    let other = tokio::spawn(second.user("ann").patch(&task, json!({ "title": "other" })).send());
    // Long enough for the other one to have looked at it more than once.
    let admin = db.superuser().await;
    let has_waited = "SELECT coalesce(max(query_start) - min(query_start) > '4 s', false) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the other one waits again", async || admin.query_one(has_waited, &[]).await.unwrap().get(0)).await;
    lock.release().await;
    assert_eq!(slow.await.unwrap().good()["title"], "slow");
    assert_eq!(other.await.unwrap().good()["title"], "other");
}
