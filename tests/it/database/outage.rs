//! A database that is unreachable or slow.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use serde_json::json;
use tandem::store::Target;

use crate::{
    skip,
    support::{Answer, App, Lock, TestDb, cluster::Cluster, db},
};

const QUERY: &str = "{ tasks { id title } }";

/// Asserts the whole error that clients get.
fn assert_unavailable(answer: &Answer) {
    answer.refused(503, "SERVICE_UNAVAILABLE");
    for internal in ["connection", "postgres", "timeout", "SQL", "canceling", "tasks\"."] {
        assert!(!answer.text.contains(internal), "{internal} in {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_survives_an_outage_of_its_database() {
    let Some(cluster) = Cluster::private() else { skip!(Postgres) };
    let mut config = db::config(Target::parse(&cluster.url("postgres", "postgres")).unwrap(), 4);
    config.checkout_timeout = Duration::from_millis(500);
    db::migrate(&config).await;
    let app = App::on(TestDb::at(config, &cluster.url("postgres", "postgres"))).await;
    let ann = app.user("ann");
    ann.create("Still here").await;
    for _ in 0..2 {
        cluster.down();
        assert_unavailable(&ann.get("/api/tasks").await);
        assert_unavailable(&ann.post("/api/tasks", json!({ "title": "x" })).await);
        assert_unavailable(&ann.graphql(QUERY).await);
        assert_unavailable(&ann.get("/readyz").await);
        ann.get("/livez").await.status(200);
        cluster.up();
        assert_eq!(recovered(&app).await[0]["title"], "Still here");
    }
}

/// The list, once there is one: failed connection attempts are retried with growing pauses.
async fn recovered(app: &App) -> serde_json::Value {
    let ann = app.user("ann");
    for _ in 0..20 {
        let answer = ann.get("/api/tasks").await;
        if answer.status == 200 {
            return answer.json;
        }
    }
    panic!("the server did not recover");
}

#[tokio::test]
async fn closed_database_connections_are_replaced_without_an_error() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    db.config.pool_size = 1;
    let app = App::on(db).await;
    let ann = app.user("ann");
    let admin = app.db.superuser().await;
    for _ in 0..5 {
        ann.create("x").await;
        let closed = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                      WHERE datname = current_database() AND application_name = 'tandem'";
        assert_eq!(admin.query_one(closed, &[]).await.unwrap().get::<_, i64>(0), 1);
        ann.get("/api/tasks").await.status(200);
    }
}

#[tokio::test]
async fn a_slow_statement_times_out() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    db.config.statement_timeout = Duration::from_millis(300);
    let app = App::on(db).await;
    let ann = app.user("ann");
    let task = ann.create("Busy").await;
    let lock = Lock::table(&app.db).await;
    assert_unavailable(&ann.get("/api/tasks").await);
    assert_unavailable(&ann.graphql(QUERY).await);
    assert_unavailable(&ann.toggle(&task).await);
    lock.release().await;
    assert_eq!(ann.tasks().await[0]["version"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_list_and_total_are_both_slow_costs_its_own_connection_at_most() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    (db.config.pool_size, db.config.statement_timeout) = (4, Duration::from_secs(3));
    let app = App::on(db).await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    ann.create("Slow").await;
    let all = async || {
        join_all((0..4).map(|_| bob.get("/api/tasks").send()))
            .await
            .iter()
            .for_each(|list| assert_eq!(list.status, 200));
    };
    let admin = app.db.superuser().await;
    let connections = async || {
        let all = "SELECT pid FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'tandem' AND usename <> 'postgres'";
        admin.query(all, &[]).await.unwrap().iter().map(|row| row.get(0)).collect::<BTreeSet<i32>>()
    };
    // As many as there may be.
    while connections().await.len() < 4 {
        all().await;
    }
    let before = connections().await;
    // Each row that is read takes 2.2 s.
    let slow = "CREATE POLICY slow ON tasks AS RESTRICTIVE USING (pg_sleep(2.2) IS NOT NULL)";
    admin.batch_execute(slow).await.unwrap();
    assert_unavailable(&ann.get("/api/tasks?count=true").await);
    assert_eq!(app.user("ann").get("/api/tasks").await.status, 200, "either alone is in time");
    all().await;
    let kept = before.intersection(&connections().await).count();
    assert!(kept >= 3, "{kept} of 4 connections are left");
}

#[tokio::test]
async fn waiting_for_a_connection_times_out() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    db.config.pool_size = 1;
    db.config.checkout_timeout = Duration::from_millis(100);
    let app = App::on(db).await;
    let ann = app.user("ann");
    // To make the connection may take longer than that.
    while ann.get("/api/tasks").await.status != 200 {}
    let lock = Lock::table(&app.db).await;
    let (first, second) = tokio::join!(
        async {
            let answer = ann.get("/api/tasks").await;
            (answer.status, answer.code().to_owned())
        },
        async {
            let answer = ann.get("/api/tasks").await;
            lock.release().await;
            answer
        }
    );
    assert_unavailable(&second);
    assert_eq!(first.0, 200, "{}", first.1);
}

#[tokio::test]
async fn a_request_past_its_deadline_is_refused_in_the_format_of_its_door() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let app = App::builder().db(db).request_timeout(Duration::from_millis(200)).build().await;
    let ann = app.user("ann");
    let lock = Lock::table(&app.db).await;
    let rest = ann.get("/api/tasks").await;
    rest.refused(504, "TIMEOUT");
    assert!(rest.json["detail"].is_string());
    let graphql = ann.graphql(QUERY).await;
    graphql.refused(504, "TIMEOUT");
    lock.release().await;
}
