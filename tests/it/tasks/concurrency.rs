//! Concurrent requests, and requests whose clients disconnect.

use futures::future::join_all;
use serde_json::json;
use tandem::store::Target;

use crate::{
    skip,
    support::{App, Lock, TestDb},
};

#[tokio::test]
async fn a_hundred_concurrent_toggles_make_a_hundred_versions() {
    let app = App::new().await;
    let ann = app.user("ann");
    let task = ann.create("Flip me").await;
    let answers = join_all((0..100).map(|_| ann.toggle(&task).send())).await;
    let mut versions: Vec<_> = answers.iter().map(|answer| answer.json["version"].as_i64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=101).collect::<Vec<_>>());
    assert_eq!(ann.tasks().await[0]["completed"], json!(false));
}

#[tokio::test]
async fn abandoned_requests_leave_no_transaction_open_and_never_mix_users() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    db.config.pool_size = 2;
    let app = App::on(db).await;
    for user in ["ann", "bob"] {
        app.user(user).create(user).await;
    }
    for round in 0..300 {
        let user = if round % 2 == 0 { "ann" } else { "bob" };
        let body = json!({ "title": user });
        let (read, write) = (app.user(user).get("/api/tasks"), app.user(user).post("/api/tasks", body));
        tokio::select! {
            biased;
            () = turns(round % 23) => {}
            _ = read => {}
            _ = write => {}
        }
    }
    for user in ["ann", "bob"] {
        for task in app.user(user).tasks().await.as_array().unwrap() {
            assert_eq!((&task["user_id"], &task["title"]), (&json!(user), &json!(user)));
        }
    }
    app.store.drain(tokio::time::Instant::now() + app.db.config.statement_timeout).await;
    assert_eq!(open_transactions(&app).await, 0);
}

#[tokio::test]
async fn a_waiting_write_is_finished_when_its_client_disconnects() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let task = ann.create("Flip me").await;
    let lock = Lock::table(&app.db).await;
    {
        let mut toggle = ann.toggle(&task).into_future();
        while lock.blocked().await == 0 {
            assert!(futures::poll!(&mut toggle).is_pending());
        }
    }
    lock.release().await;
    app.store.drain(tokio::time::Instant::now() + app.db.config.statement_timeout).await;
    assert_eq!(ann.tasks().await[0]["version"], json!(2));
    assert_eq!(open_transactions(&app).await, 0);
}

/// Yields to other tasks this many times.
async fn turns(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

async fn open_transactions(app: &App) -> i64 {
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND application_name = 'tandem' AND (state LIKE 'idle in transaction%' OR state = 'active')";
    app.db.superuser().await.query_one(open, &[]).await.unwrap().get(0)
}

#[test]
fn a_database_target_does_not_show_its_password() {
    let target = Target::parse("postgres://app:hunter2@db.example.com/tandem?sslmode=verify-full").unwrap();
    assert!(!format!("{target:?}").contains("hunter2"));
}
