//! The real router on a fresh database, asked without a network in between.

use std::{sync::OnceLock, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tandem::{
    auth::{ClaimRules, KeySource, Verifier},
    graphql::{self, Documents, Limits},
    health::Readiness,
    router::{RouterConfig, router},
    state::{AppState, Playground},
    store::Db,
};
use tower::ServiceExt;

use super::{SECRET, TestDb, token};

/// A server under test.
pub struct App {
    router: Router,
    state: AppState,
    /// Who lets users in.
    pub verifier: Verifier,
    /// The access to the database that the server uses.
    pub store: Db,
    /// Dropped last: connections close before it does.
    pub db: TestDb,
}

impl App {
    /// On a fresh database of its own.
    pub async fn new() -> Self {
        Self::on(TestDb::fresh().await).await
    }

    /// On a fresh database of a server; `None` where there is none.
    pub async fn on_server() -> Option<Self> {
        Some(Self::on(TestDb::on_server().await?).await)
    }

    /// On this database.
    pub async fn on(db: TestDb) -> Self {
        Self::with(db, Limits::default(), Duration::from_mins(2)).await
    }

    /// On this database, with these limits.
    pub async fn with(db: TestDb, limits: Limits, request_timeout: Duration) -> Self {
        Self::with_documents(db, limits, Documents::default(), request_timeout).await
    }

    /// On this database, with these limits and rules for documents.
    pub async fn with_documents(db: TestDb, limits: Limits, documents: Documents, request_timeout: Duration) -> Self {
        let verifier = Verifier::new(vec![KeySource::hs256(&[SECRET.into()])], ClaimRules::default());
        Self::build(db, limits, documents, request_timeout, verifier).await
    }

    /// On a fresh database, for tokens of these origins.
    pub async fn trusting(sources: Vec<KeySource>) -> Self {
        let (db, limits, documents) = (TestDb::fresh().await, Limits::default(), Documents::default());
        let verifier = Verifier::new(sources, ClaimRules::default());
        Self::build(db, limits, documents, Duration::from_mins(1), verifier).await
    }

    async fn build(
        db: TestDb,
        limits: Limits,
        documents: Documents,
        request_timeout: Duration,
        verifier: Verifier,
    ) -> Self {
        let store = db.open().await;
        let state = AppState {
            db: store.clone(),
            verifier: verifier.clone(),
            schema: graphql::schema(&limits, documents),
            readiness: Readiness::default(),
            playground: Playground { is_on: true, token: Some(token("ann").into()) },
        };
        let config = RouterConfig { request_timeout, cors_origins: None, metrics: None };
        Self { router: router(state.clone(), &config), state, store, verifier, db }
    }

    /// Serves the metrics of this process, too.
    pub fn serve_metrics(&mut self) {
        static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
        let metrics = METRICS.get_or_init(|| tandem::telemetry::collect_metrics().expect("the only one to collect"));
        let request_timeout = Duration::from_mins(1);
        let config = RouterConfig { request_timeout, cors_origins: None, metrics: Some(metrics.clone()) };
        self.router = router(self.state.clone(), &config);
    }

    /// The answer to any request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, json, text: String::from_utf8_lossy(&body).into_owned() }
    }

    /// Both doors' answers to whoever has this token: the list in REST, `me` in GraphQL.
    pub async fn ask_both(&self, token: &str) -> [Answer; 2] {
        let query = json!({ "query": "{ me { id } }" });
        [
            self.send(rest_request(Some(token), "GET", "/api/tasks", None)).await,
            self.send(graphql_request(Some(token), &query)).await,
        ]
    }

    /// Whether both doors let in whoever has this token; they must agree.
    pub async fn lets_in(&self, token: &str) -> bool {
        let [rest, graphql] = self.ask_both(token).await;
        assert_eq!(rest.status, graphql.status, "{} {}", rest.text, graphql.text);
        assert!(matches!(rest.status.as_u16(), 200 | 401), "{}", rest.text);
        rest.status == StatusCode::OK
    }

    /// Serves on a free port of this machine for as long as the test runs; the URL without a path.
    pub async fn listen(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let app = self;
            axum::serve(listener, app.router.clone()).await
        });
        format!("http://{address}")
    }

    /// A REST request of a user, with a JSON body if there is one.
    pub async fn rest(&self, user: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(rest_request(Some(&token(user)), method, path, body)).await
    }

    /// A GraphQL operation of a user.
    pub async fn graphql(&self, user: &str, query: &str, variables: Value) -> Answer {
        self.send(graphql_request(Some(&token(user)), &json!({ "query": query, "variables": variables }))).await
    }

    /// A task of a user, made through REST.
    pub async fn create(&self, user: &str, title: &str) -> Value {
        let answer = self.rest(user, "POST", "/api/tasks", Some(json!({ "title": title }))).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json
    }

    /// The tasks of a user, as REST lists them.
    pub async fn tasks_of(&self, user: &str) -> Value {
        let answer = self.rest(user, "GET", "/api/tasks", None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, if it is JSON.
    pub json: Value,
    pub text: String,
}

impl Answer {
    /// A header as text; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The error's code, whichever door it came from.
    pub fn code(&self) -> &str {
        let code = self.json.get("code").or_else(|| self.json.pointer("/errors/0/extensions/code"));
        code.and_then(Value::as_str).unwrap_or_default()
    }

    /// A GraphQL answer's data, which must be free of errors.
    pub fn data(&self) -> &Value {
        assert_eq!(self.json.get("errors"), None, "{}", self.text);
        &self.json["data"]
    }
}

/// A REST request.
pub fn rest_request(token: Option<&str>, method: &str, path: &str, body: Option<Value>) -> Request<Body> {
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).expect("a method")).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match body {
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    request.body(body).expect("a request")
}

/// A GraphQL request.
pub fn graphql_request(token: Option<&str>, body: &Value) -> Request<Body> {
    rest_request(token, "POST", "/graphql", Some(body.clone()))
}
