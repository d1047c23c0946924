//! Traces as a collector receives them (feature `otlp`).

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    skip,
    support::{
        TestDb, check_all, http_client,
        instance::Instance,
        issuer::{SigningKey, claims_of},
        socket::{Socket, init},
        token,
    },
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector that keeps what it gets, and an issuer that notes the trace of requests for its keys.
#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Value>>>,
    bodies: Arc<Mutex<String>>,
    traceparents: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    /// Its URL.
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let keys = async |State(collector): State<Self>, headers: HeaderMap| {
            let traceparent = headers.get("traceparent").map(|value| value.to_str().unwrap().to_owned());
            collector.traceparents.lock().unwrap().extend(traceparent);
            Json(json!({ "keys": [SigningKey::new(Algorithm::EdDSA, "1").published()] }))
        };
        let routes = Router::new().route("/v1/traces", post(Self::collect)).route("/jwks", axum::routing::get(keys));
        let app = routes.with_state(self.clone());
        tokio::spawn(async { axum::serve(listener, app).await });
        url
    }

    #[expect(clippy::unused_async, reason = "axum's handlers are")]
    async fn collect(State(collector): State<Self>, body: String) -> Json<Value> {
        let sent: Value = serde_json::from_str(&body).unwrap();
        let spans = sent["resourceSpans"].as_array().unwrap().iter().flat_map(|resource| {
            assert!(resource["resource"].to_string().contains("tandem"), "{resource}");
            resource["scopeSpans"].as_array().unwrap().iter().flat_map(|scope| scope["spans"].as_array().unwrap())
        });
        collector.spans.lock().unwrap().extend(spans.cloned());
        collector.bodies.lock().unwrap().push_str(&body);
        Json(json!({}))
    }

    /// The only span of this name whose parent has this id.
    #[track_caller]
    fn child(&self, parent: &str, name: &str) -> Value {
        self.only(|span| span["name"] == name && span["parentSpanId"] == parent)
    }

    /// The only span like this.
    #[track_caller]
    fn only(&self, is_meant: impl Fn(&Value) -> bool) -> Value {
        let spans = self.spans.lock().unwrap();
        let found: Vec<_> = spans.iter().filter(|span| is_meant(span)).cloned().collect();
        assert_eq!(found.len(), 1, "{found:#?} in {spans:#?}");
        found[0].clone()
    }

    fn traces(&self) -> usize {
        self.spans
            .lock()
            .unwrap()
            .iter()
            .filter(|span| span["kind"] == json!(2) || span["kind"] == "SPAN_KIND_SERVER")
            .count()
    }
}

/// Names and values.
fn attributes(span: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let attributes = span["attributes"].as_array().into_iter().flatten();
    attributes
        .filter_map(|attribute| Some((attribute["key"].as_str()?, attribute["value"].as_object()?.values().next()?)))
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    attributes(span).find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no {name} in {span}")).1
}

fn id(span: &Value) -> &str {
    span["spanId"].as_str().unwrap()
}

async fn traced(db: &TestDb, collector: &Collector, sampling: &str) -> Instance {
    traced_within(db, collector, sampling, "100").await
}

/// A server on which clients can force only so many traces per second.
async fn traced_within(db: &TestDb, collector: &Collector, sampling: &str, limit: &str) -> Instance {
    let url = collector.listen().await;
    let jwks = format!("{url}/jwks");
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("TRACE_SAMPLING", sampling),
        ("TRACEPARENT_LIMIT", limit),
        ("JWKS_URL", &jwks),
    ];
    Instance::start(db.url(), &settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_traced_through_its_door_to_each_statement_as_a_part_of_its_clients_trace() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let collector = Collector::default();
    let mut server = traced(&db, &collector, "0").await;
    let client = http_client();
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let document = "mutation { createTask(input: { title: \"a private title\" }) { id } }";
    let graphql = client.post(format!("{}/graphql", server.url())).json(&json!({ "query": document }));
    let graphql = graphql.bearer_auth(token("ann")).header("traceparent", &traceparent).send().await.unwrap();
    assert_eq!(graphql.status(), 200);
    let list = client.get(format!("{}/api/ann/tasks", server.url()));
    list.bearer_auth(token("ann")).header("traceparent", &traceparent).send().await.unwrap();
    let unknown = SigningKey::new(Algorithm::EdDSA, "unknown").sign(&claims_of("ann"));
    let refused = client.get(format!("{}/api/tasks", server.url())).bearer_auth(unknown);
    refused.header("traceparent", &traceparent).send().await.unwrap();
    server.stop().await;

    let request = collector.child(PARENT, "POST /graphql");
    assert_eq!(request["traceId"], TRACE);
    assert_eq!(attribute(&request, "http.response.status_code").to_string().trim_matches('"'), "200");
    assert_eq!(
        (attribute(&request, "door"), attribute(&request, "root_field")),
        (&json!("graphql"), &json!("createTask"))
    );
    let operation = collector.child(id(&request), "graphql operation");
    let resolver = collector.child(id(&operation), "create");
    collector.child(id(&resolver), "checkout");
    let transaction = collector.child(id(&resolver), "transaction");
    for statement in ["BEGIN", "switch", "insert", "COMMIT"] {
        collector.child(id(&transaction), statement);
    }
    let request = collector.child(PARENT, "GET /api/{user_id}/tasks");
    let resolver = collector.child(id(&request), "list");
    collector.child(id(&collector.child(id(&resolver), "transaction")), "list");
    let fetch = collector.child(id(&collector.child(PARENT, "GET /api/tasks")), "fetch key set");
    let continued = format!("00-{TRACE}-{}-01", id(&fetch));
    assert!(collector.traceparents.lock().unwrap().contains(&continued), "{continued}");
    let bodies = collector.bodies.lock().unwrap().clone();
    for private in ["private title", "\"ann\"", "/ann/", &token("ann")] {
        assert!(!bodies.contains(private), "{private} in {bodies}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_on_a_socket_is_traced_as_a_part_of_the_trace_that_opened_it() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let collector = Collector::default();
    let mut server = traced(&db, &collector, "0").await;
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("traceparent", &traceparent)];
    let mut socket = Socket::with(&server.url(), "/graphql", &headers).await.unwrap();
    socket.send(init(&token("ann"))).await;
    socket.next().await;
    let document = "mutation { createTask(input: { title: \"a private title\" }) { id } }";
    assert!(socket.run("1", document, json!({})).await["data"]["createTask"].is_object());
    socket.subscribe("2", "subscription { changes { cursor } }", json!({})).await;
    assert_eq!(socket.next().await["id"], "2");
    // The subscription stays open, but its span has ended.
    assert_eq!(socket.run("3", "{ nothing }", json!({})).await[0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    drop(socket);
    server.stop().await;

    let operation = |field: &str| {
        let found = collector.only(|span| {
            span["name"] == "websocket operation"
                && attributes(span).any(|(name, value)| name == "root_field" && *value == field)
        });
        assert_eq!((&found["traceId"], &found["parentSpanId"]), (&json!(TRACE), &json!(PARENT)));
        assert_eq!(attribute(&found, "door"), "graphql");
        found
    };
    let resolver = collector.child(id(&collector.child(id(&operation("createTask")), "graphql operation")), "create");
    collector.child(id(&resolver), "checkout");
    let transaction = collector.child(id(&resolver), "transaction");
    for statement in ["BEGIN", "switch", "insert", "COMMIT"] {
        collector.child(id(&transaction), statement);
    }
    let first_page = collector.child(id(&operation("changes")), "changes");
    collector.child(id(&collector.child(id(&first_page), "transaction")), "changes");
    let bodies = collector.bodies.lock().unwrap().clone();
    assert!(!bodies.contains("private title") && !bodies.contains("\"ann\""), "{bodies}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sampling_decides_where_the_client_does_not() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let cases = [("1", None, 1), ("0", None, 0), ("1", Some("00"), 0), ("0", Some("01"), 1)];
    check_all(cases, async |(sampling, flags, traces)| {
        let collector = Collector::default();
        let mut server = traced(&db, &collector, sampling).await;
        let client = http_client();
        let mut get = client.get(format!("{}/api/tasks", server.url())).bearer_auth(token("ann"));
        if let Some(flags) = flags {
            get = get.header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"));
        }
        assert_eq!(get.send().await.unwrap().status(), 200);
        server.stop().await;
        assert_eq!(collector.traces(), traces, "{sampling} {flags:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_can_force_only_so_many_traces() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    // With a limit of 1, all requests are traced only if they take that many seconds.
    let cases = [("0", "0", 3, 0..1), ("0", "1", 100, 1..100), ("1", "0", 3, 3..4)];
    check_all(cases, async |(sampling, limit, requests, expected)| {
        let collector = Collector::default();
        let mut server = traced_within(&db, &collector, sampling, limit).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..requests {
            let get = client.get(format!("{}/api/tasks", server.url())).bearer_auth(token("ann"));
            let get = get.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
            assert_eq!(get.send().await.unwrap().status(), 200);
        }
        server.stop().await;
        assert!(expected.contains(&collector.traces()), "{sampling} {limit}: {} traces", collector.traces());
        let spans = collector.spans.lock().unwrap();
        assert!(spans.iter().all(|span| span["kind"] != json!(2) || span["traceId"] == TRACE), "{spans:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsampled_request_is_not_traced_but_passes_the_clients_trace_on() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let collector = Collector::default();
    let mut server = traced(&db, &collector, "1").await;
    let traceparent = format!("00-{TRACE}-{PARENT}-00");
    let client = http_client();
    let unknown = SigningKey::new(Algorithm::EdDSA, "unknown").sign(&claims_of("ann"));
    let refused = client.get(format!("{}/api/tasks", server.url())).bearer_auth(unknown);
    assert_eq!(refused.header("traceparent", &traceparent).send().await.unwrap().status(), 401);
    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("traceparent", &traceparent)];
    let mut socket = Socket::with(&server.url(), "/graphql", &headers).await.unwrap();
    socket.send(init(&token("ann"))).await;
    socket.next().await;
    socket.subscribe("1", "subscription { changes { cursor } }", json!({})).await;
    assert_eq!(socket.next().await["id"], "1");
    drop(socket);
    server.stop().await;

    assert!(collector.traceparents.lock().unwrap().contains(&traceparent));
    let background = collector.only(|span| span["name"] == "fetch key set");
    assert_ne!(background["traceId"], TRACE);
    let spans = collector.spans.lock().unwrap();
    assert!(spans.iter().all(|span| span["traceId"] != TRACE), "{spans:#?}");
    // The first poll may have woken the stream after its first page; that read belongs to no request.
    let reads = spans.iter().filter(|span| span["name"] == "changes" && span["parentSpanId"] == "").count();
    assert!(reads <= 1, "{spans:#?}");
}
