//! The dashboard and the alerts of `deploy/monitoring`, queried in a Prometheus that scrapes a server.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::{
    skip,
    support::{
        Need, TestDb,
        cluster::{free_port, scratch_dir},
        eventually, http_client,
        instance::Instance,
        issuer::{Issuer, SigningKey, claims_of},
    },
};

const DASHBOARD: &str = include_str!("../../../deploy/monitoring/dashboard.json");

/// A running Prometheus that knows the alerts.
struct Prometheus {
    process: Child,
    url: String,
}

impl Prometheus {
    /// `None` where Prometheus isn't installed.
    fn scraping(address: &str) -> Option<Self> {
        let (dir, port) = (scratch_dir(), free_port());
        let alerts = fs::canonicalize("deploy/monitoring/alerts.yaml").unwrap();
        let config = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "rule_files": [alerts],
            "scrape_configs": [{ "job_name": "tandem", "static_configs": [{ "targets": [address] }] }],
        });
        fs::write(dir.join("prometheus.yml"), config.to_string()).unwrap();
        let listen = format!("--web.listen-address=127.0.0.1:{port}");
        let mut command = Command::new("prometheus");
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error", &listen]);
        let process = command.current_dir(&dir).stdin(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        Some(Self { process, url: format!("http://127.0.0.1:{port}/api/v1") })
    }

    /// The data of a response; `None` while it starts.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let url = url::Url::parse_with_params(&format!("{}/{path}", self.url), query).unwrap();
        let client = http_client();
        let Ok(answer) = client.get(url).send().await else { return Value::Null };
        let answer: Value = answer.json().await.unwrap_or_default();
        assert_ne!(answer["status"], "error", "{query:?}: {answer}");
        answer["data"].clone()
    }

    async fn has(&self, query: &str) -> bool {
        self.get("query", &[("query", query)]).await["result"].as_array().is_some_and(|series| !series.is_empty())
    }

    /// The alerts, as Prometheus has read them.
    async fn alerts(&self) -> Vec<Value> {
        let rules = self.get("rules", &[]).await;
        rules.pointer("/groups/0/rules").and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The panels' queries, for all instances.
fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets
        .map(|target| target["expr"].as_str().unwrap().replace("$__rate_interval", "10s").replace("$instance", ".+"))
        .collect()
}

/// The query without its threshold and label values: a healthy server triggers nothing.
fn loosened(query: &str) -> String {
    let query =
        [" == ", " > "].iter().find_map(|comparison| query.rsplit_once(comparison)).map_or(query, |(left, _)| left);
    let mut loosened = String::new();
    for (index, part) in query.split('"').enumerate() {
        let is_value = index % 2 == 1;
        loosened.push_str(match part.strip_suffix('=') {
            _ if is_value => ".+\"",
            Some(name) => name,
            None => part,
        });
        match part {
            _ if is_value => {}
            part if part.ends_with("=~") => loosened.push('"'),
            part if part.ends_with('=') => loosened.push_str("=~\""),
            _ => {}
        }
    }
    loosened
}

/// Reads a stream until it contains this.
async fn until(stream: &mut reqwest::Response, text: &str) {
    let mut said = String::new();
    while !said.contains(text) {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        said.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboard_and_the_alerts_returns_data() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let key = SigningKey::new(Algorithm::EdDSA, "1");
    let issuer = Issuer::start(&[&key]).await;
    let settings = [("METRICS_LISTEN", "127.0.0.1:0"), ("JWKS_URL", &issuer.url()), ("MAX_STREAMS_PER_USER", "1")];
    let server = Instance::start(db.url(), &settings).await;
    let Some(prometheus) = Prometheus::scraping(&server.metrics_address()) else {
        Need::Prometheus.skip("");
        return;
    };
    let client = http_client();
    let token = key.sign(&claims_of("ann"));
    for path in ["/api/tasks", "/api/tasks/none"] {
        client.get(format!("{}{path}", server.url())).bearer_auth(&token).send().await.unwrap();
    }
    let document = json!({ "query": "{ nothing }" });
    client.post(format!("{}/graphql", server.url())).bearer_auth(&token).json(&document).send().await.unwrap();
    let stream = async || {
        let changes = client.get(format!("{}/api/tasks/changes", server.url())).bearer_auth(&token);
        changes.header("accept", "text/event-stream").send().await.unwrap()
    };
    let mut open = stream().await;
    assert!(open.status().is_success() && !stream().await.status().is_success(), "one stream, and no second one");
    until(&mut open, "\"reset\":false").await;
    let task = json!({ "title": "Told at once", "color": "red" });
    client.post(format!("{}/api/tasks", server.url())).bearer_auth(&token).json(&task).send().await.unwrap();
    until(&mut open, "Told at once").await;
    tandem::store::reset_feed(&db.config).await.map_err(|error| error.report()).unwrap();
    until(&mut open, "\"reset\":true").await;
    drop(open);
    eventually("the alerts are evaluated", async || {
        let alerts = prometheus.alerts().await;
        !alerts.is_empty() && alerts.iter().all(|alert| alert["health"] == "ok")
    })
    .await;
    let mut queries = panels();
    queries.extend(prometheus.alerts().await.iter().map(|alert| alert["query"].as_str().unwrap().to_owned()));
    assert!(queries.len() > 25, "{queries:?}");
    for query in &queries {
        let query = loosened(query);
        eventually(&format!("an answer to {query}"), async || prometheus.has(&query).await).await;
    }
    assert!(!prometheus.has("tandem_no_such_metric").await);
    let firing: Vec<_> = prometheus.alerts().await.into_iter().filter(|alert| alert["state"] == "firing").collect();
    assert!(firing.is_empty(), "{firing:?}");
}

#[test]
fn the_dashboard_shows_every_metric_and_each_alert_is_explained() {
    let page = include_str!("../../../docs/OPERATIONS.md");
    let documented = page.lines().filter_map(|line| line.strip_prefix("| `tandem_")?.split(['{', '`']).next());
    for metric in documented {
        assert!(DASHBOARD.contains(&format!("tandem_{metric}")), "tandem_{metric} is not on the dashboard");
    }
    for line in include_str!("../../../deploy/monitoring/alerts.yaml").lines() {
        let Some((_, alert)) = line.split_once("- alert: ") else { continue };
        assert!(page.contains(&format!("| `{alert}` | ")), "{alert} is not explained");
    }
}
