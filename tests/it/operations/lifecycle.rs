//! Starting, health checks and stopping, as process managers and load balancers do it.

use std::time::{Duration, Instant};

use serde_json::json;
use url::Url;

use crate::{
    skip,
    support::{
        SECRET, TestDb,
        balancer::Traffic,
        cluster::scratch_dir,
        command::{output, stderr},
        eventually, http_client,
        instance::Instance,
        server::{Client, Server},
        token,
    },
};

const READYZ: &str = "GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n";

async fn ask(server: &Server, request: &str) -> crate::support::server::RawAnswer {
    let mut client: Client = server.connect().await;
    client.ask(request).await
}

#[tokio::test]
async fn a_stopping_server_is_unready_at_once_and_keeps_serving_for_its_delay() {
    let Some(server) = Server::with(&[("SHUTDOWN_DELAY", "1h")]).await else { skip!(Postgres) };
    let mut kept = server.connect().await;
    assert_eq!(kept.ask(READYZ).await.status, 200);
    server.signal("-TERM");
    eventually("it is not ready", async || ask(&server, READYZ).await.status == 503).await;
    let list = format!("GET /api/tasks HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n", token("ann"));
    let answer = kept.ask(&list).await;
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert_eq!(kept.rest().await, b"", "the connection is closed behind the answer");
    assert_eq!(ask(&server, &list).await.status, 200, "new connections are served");
    let body = ask(&server, READYZ).await.body;
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["status"], "stopping");
    server.signal("-TERM");
    assert_eq!(server.ended().await, Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_command_reports_what_the_server_reports() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let server = Instance::start(db.url(), &[("HOST", "0.0.0.0"), ("SHUTDOWN_DELAY", "1h")]).await;
    let port = Url::parse(&server.url()).unwrap().port().unwrap().to_string();
    let health = |more: &[&str]| {
        let args: Vec<_> = ["health", "--host", "0.0.0.0", "--port", &port].iter().chain(more).copied().collect();
        let done = output(&scratch_dir(), &args, &[]);
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    let (code, said) = health(&[]);
    assert!(code == Some(0) && said.contains("\"ok\""), "{code:?} {said}");
    server.signal("-TERM");
    eventually("it is not ready", async || health(&[]).0 == Some(1)).await;
    assert_eq!(health(&["--live"]).0, Some(0));
    drop(server);
    assert_eq!(health(&[]).0, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_that_migrates_can_differ_from_the_one_that_serves() {
    let Some(db) = TestDb::empty().await else { skip!(Postgres) };
    let login = format!("serving_{}", std::process::id());
    let roles = TestDb::on_server().await.expect("a server");
    let admin = roles.superuser().await;
    admin
        .batch_execute(&format!("CREATE ROLE {login} LOGIN; GRANT tandem_api, tandem_feed, tandem_sweeper TO {login}"))
        .await
        .unwrap();
    let mut serving = Url::parse(db.url()).unwrap();
    serving.set_username(&login).unwrap();
    let server = Instance::start(serving.as_str(), &[("DATABASE_MIGRATION_URL", db.url())]).await;
    let http = http_client();
    let create = http.post(format!("{}/api/tasks", server.url())).json(&json!({ "title": "a" }));
    assert_eq!(create.bearer_auth(token("ann")).send().await.unwrap().status(), 201);
    let owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'tasks'";
    assert_eq!(db.client().await.query_one(owner, &[]).await.unwrap().get::<_, String>(0), "app");
    let alone = [("DATABASE_MIGRATION_URL", db.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let refused = output(&scratch_dir(), &[], &alone);
    assert!(stderr(&refused).contains("DATABASE_MIGRATION_URL: requires DATABASE_URL"));
    let serving_only = [("DATABASE_URL", serving.as_str()), ("BETTER_AUTH_SECRET", SECRET)];
    let refused = stderr(&output(&scratch_dir(), &[], &serving_only));
    assert!(refused.contains("can't migrate") && refused.contains("Set DATABASE_MIGRATION_URL"), "{refused}");
}

/// PostgreSQL refuses statements that were prepared before, on each connection that has them.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_replacement_across_a_change_of_a_columns_type_fails_no_request() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let settings = [("SHUTDOWN_DELAY", "2s")];
    let mut servers = [Instance::start(db.url(), &settings).await, Instance::start(db.url(), &settings).await];
    let traffic = Traffic::start(servers.iter().map(Instance::url), 8).await;
    let admin = db.superuser().await;
    let types = ["varchar", "task_description"];
    for (server, new) in servers.iter_mut().zip(types) {
        traffic.progress(100).await;
        admin.batch_execute(&format!("ALTER TABLE tasks ALTER COLUMN description TYPE {new}")).await.unwrap();
        traffic.progress(100).await;
        server.replace().await;
        traffic.balancer.until_ready(&server.url()).await;
    }
    let written = traffic.finish().await;
    assert_eq!(written.failures, Vec::<String>::new());
}

/// `ROLLING_ROUNDS=20 cargo test --release --test it rolling -- --nocapture` prints figures of a longer run.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_replacement_of_two_servers_fails_no_request() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let rounds = std::env::var("ROLLING_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let settings = [("SHUTDOWN_DELAY", "2s")];
    let mut servers = [Instance::start(db.url(), &settings).await, Instance::start(db.url(), &settings).await];
    let started = Instant::now();
    let traffic = Traffic::start(servers.iter().map(Instance::url), 8).await;
    for round in 0..rounds {
        for server in &mut servers {
            traffic.progress(50).await;
            server.replace().await;
            traffic.balancer.until_ready(&server.url()).await;
        }
        println!("round {round}: {} requests, {:?}", traffic.answered(), started.elapsed());
    }
    traffic.progress(50).await;
    let written = traffic.finish().await;
    assert_eq!(written.failures, Vec::<String>::new());
    let rows = db.superuser().await.query_one("SELECT count(*) FROM tasks", &[]).await.unwrap();
    assert_eq!(u64::try_from(rows.get::<_, i64>(0)).unwrap(), written.tasks);
    println!("{} requests, none failed; slowest {:?}", written.requests, written.slowest);
    assert!(started.elapsed() > Duration::from_secs(4 * rounds), "each server takes its delay");
}
