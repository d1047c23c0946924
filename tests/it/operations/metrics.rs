//! Metrics as Prometheus scrapes them, from a port of their own.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::{
    skip,
    support::{Lock, TestDb, check_all, db, eventually, http_client, instance::Instance, issuer::Issuer, token},
};

/// A server on a database of its own that serves metrics.
async fn watched(settings: &[(&str, &str)]) -> Option<(Instance, TestDb)> {
    let db = TestDb::on_server().await?;
    let settings: Vec<_> = settings.iter().copied().chain([("METRICS_LISTEN", "127.0.0.1:0")]).collect();
    Some((Instance::start(db.url(), &settings).await, db))
}

async fn ask(server: &Instance, method: &str, path: &str, body: Option<serde_json::Value>) -> u16 {
    let client = http_client();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = client.request(method, format!("{}{path}", server.url())).bearer_auth(token("ann"));
    let request = if let Some(body) = body { request.json(&body) } else { request };
    request.send().await.unwrap().status().as_u16()
}

async fn graphql(server: &Instance, document: &str) -> u16 {
    ask(server, "POST", "/graphql", Some(json!({ "query": document }))).await
}

#[tokio::test]
async fn requests_are_counted_by_door_and_operation_and_no_label_is_a_clients_choice() {
    let Some((server, _db)) = watched(&[]).await else { skip!(Postgres) };
    let missing = "/api/tasks/0199aaaa-0000-7000-8000-000000000000";
    for (method, path) in [
        ("GET", "/api/tasks"),
        ("GET", "/api/tasks/?search=chosen"),
        ("GET", "/api/ann/tasks"),
        ("GET", missing),
        ("CHOSEN", "/api/tasks"),
        ("GET", "/chosen/path"),
        ("GET", "/livez"),
    ] {
        ask(&server, method, path, None).await;
    }
    ask(&server, "POST", "/api/tasks", Some(json!({ "title": "chosen" }))).await;
    for document in [
        "query Chosen { chosen: me { id } }",
        "{ a: task(id: \"x\") { id } b: task(id: \"y\") { id } }",
        "{ me { id } tasks { id } }",
        "{ chosen }",
    ] {
        graphql(&server, document).await;
    }
    ask(&server, "POST", "/graphql", Some(json!([{ "query": "{ me { id } }" }, { "query": "{ tasks { id } }" }])))
        .await;
    let scrape = server.metrics().await;
    let cases = [
        ("rest", "GET /api/tasks", "200", 2),
        ("rest", "GET /api/{user_id}/tasks", "200", 1),
        ("rest", "GET /api/tasks/{task_id}", "404", 1),
        ("rest", "POST /api/tasks", "201", 1),
        ("rest", "OTHER /api/tasks", "405", 1),
        ("other", "none", "404", 1),
        ("health", "GET /livez", "200", 1),
        ("graphql", "me", "200", 1),
        ("graphql", "task", "200", 1),
        ("graphql", "several", "200", 2),
        ("graphql", "none", "200", 1),
    ];
    check_all(cases, async |(door, operation, status, count)| {
        let labels = format!("door=\"{door}\",operation=\"{operation}\"");
        let counted = format!("tandem_requests_total{{{labels},status=\"{status}\"}} {count}\n");
        assert!(scrape.contains(&counted), "{counted} in {scrape}");
        let timed = format!("tandem_request_duration_seconds_count{{{labels}}} {count}\n");
        assert!(scrape.contains(&timed), "{timed} in {scrape}");
    })
    .await;
    assert!(
        scrape.contains("tandem_errors_total{door=\"graphql\",code=\"GRAPHQL_VALIDATION_FAILED\"} 1\n"),
        "{scrape}"
    );
    assert!(scrape.contains("tandem_errors_total{door=\"rest\",code=\"NOT_FOUND\"} 2\n"), "{scrape}");
    let chosen: Vec<_> = scrape.lines().filter(|line| line.to_lowercase().contains("chosen")).collect();
    assert!(chosen.is_empty() && !scrape.contains("0199aaaa"), "{chosen:?}");
}

#[tokio::test]
async fn busy_database_connections_and_waiting_requests_are_shown() {
    let Some((server, db)) = watched(&[("DATABASE_POOL_SIZE", "1"), ("STATEMENT_TIMEOUT", "1m")]).await else {
        skip!(Postgres)
    };
    let lock = Lock::table(&db).await;
    let waiting = async {
        eventually("one has the connection and one waits", async || {
            let scrape = server.metrics().await;
            let is_busy = scrape.contains("tandem_db_connections{state=\"in_use\"} 1\n");
            is_busy && scrape.contains("tandem_db_waiting 1\n") && scrape.contains("tandem_db_connections_max 1\n")
        })
        .await;
        lock.release().await;
    };
    let read = async || ask(&server, "GET", "/api/tasks", None).await;
    let (first, second, ()) = tokio::join!(read(), read(), waiting);
    assert!(first == 200 || second == 200, "{first} {second}");
    let scrape = server.metrics().await;
    assert!(scrape.contains("tandem_db_waiting 0\n"), "{scrape}");
    assert!(scrape.contains("tandem_db_transaction_seconds_count{statement=\"list\"}"), "{scrape}");
}

#[tokio::test]
async fn limits_that_are_hit_are_counted() {
    let limits = [("RATE_LIMITS", "true"), ("RATE_LIMIT_PER_USER", "20"), ("RATE_LIMIT_REFUSED_TOKENS", "0")];
    let Some((server, _db)) = watched(&limits).await else { skip!(Postgres) };
    assert_eq!(graphql(&server, "{ me { id } }").await, 200);
    let too_costly = "{ me { id } }".repeat(500);
    assert_ne!(graphql(&server, &too_costly).await, 429);
    assert_eq!(ask(&server, "GET", "/api/tasks", None).await, 429);
    assert_eq!(graphql(&server, &too_costly).await, 429, "the quota is looked at first");
    let scrape = server.metrics().await;
    for counted in ["{limit=\"user\"} 2\n", "{limit=\"cost\"} 1\n", "{limit=\"address\"} 0\n"] {
        assert!(scrape.contains(&format!("tandem_limits_hit_total{counted}")), "{counted} in {scrape}");
    }
}

/// The names of a scrape's metrics, histograms as one.
fn names_in(scrape: &str) -> BTreeSet<String> {
    let types = scrape.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next()).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_metric_is_there() {
    let key = crate::support::issuer::SigningKey::new(jsonwebtoken::Algorithm::EdDSA, "1");
    let issuer = Issuer::start(&[&key]).await;
    let Some((server, _db)) = watched(&[("JWKS_URL", &issuer.url())]).await else { skip!(Postgres) };
    ask(&server, "GET", "/api/tasks", None).await;
    ask(&server, "GET", "/api/tasks/none", None).await;
    ask(&server, "POST", "/api/tasks", Some(json!({ "title": "x", "colour": "red" }))).await;
    let page = include_str!("../../../docs/OPERATIONS.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `tandem_")?.split(['{', '`']).next());
    let documented: BTreeSet<_> = rows.map(|name| format!("tandem_{name}")).collect();
    eventually("the keys are fetched", async || server.metrics().await.contains("tandem_jwks_keys{")).await;
    // Metrics of streams appear with the first stream.
    let documented: BTreeSet<_> = documented
        .into_iter()
        .filter(|name| !name.starts_with("tandem_streams") && !name.starts_with("tandem_feed"))
        .collect();
    assert_eq!(names_in(&server.metrics().await), documented);
}

#[tokio::test]
async fn outcomes_of_transactions_are_counted() {
    let Some((server, database)) = watched(&[]).await else { skip!(Postgres) };
    ask(&server, "POST", "/api/tasks", Some(json!({ "title": "a" }))).await;
    let lost = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tandem'
                AND datname = current_database() AND query = 'COMMIT'";
    let admin = db::connect(database.url()).await;
    admin.batch_execute(lost).await.unwrap();
    assert_eq!(ask(&server, "GET", "/api/tasks", None).await, 200, "a read is tried once more");
    let scrape = server.metrics().await;
    let outcome = |outcome: &str| {
        let start = format!("tandem_db_transactions_total{{outcome=\"{outcome}\"}} ");
        scrape.lines().find_map(|line| line.strip_prefix(&start)?.parse::<u64>().ok()).unwrap()
    };
    assert!(outcome("committed") >= 2, "{scrape}");
    assert_eq!(outcome("failed"), 0, "{scrape}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ignored_fields_are_counted_by_names_that_no_client_can_choose() {
    let Some((server, _db)) = watched(&[]).await else { skip!(Postgres) };
    for body in [
        json!({ "title": "x", "category": "a", "color": "red" }),
        json!({ "title": "x", "category": "a", "{secret}": 1, "another": 2 }),
    ] {
        ask(&server, "POST", "/api/tasks", Some(body)).await;
    }
    let metrics = server.metrics().await;
    for (name, count) in [("category", 2), ("color", 1), ("other", 2)] {
        let line = format!("tandem_rest_ignored_fields_total{{field=\"{name}\"}} {count}");
        assert!(metrics.contains(&line), "{line}");
    }
    assert!(!metrics.contains("secret"));
}
