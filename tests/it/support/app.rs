//! The real router on a fresh database, asked without a network in between.

use std::{sync::OnceLock, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tandem::{
    auth::{ClaimRules, KeySource, Verifier},
    graphql::{self, Documents, Limits, Playground},
    health::Readiness,
    router::{RouterConfig, router},
    state::AppState,
    store::Db,
};

use super::{Answer, SECRET, TestDb, User, answer, token};

/// A server under test.
pub struct App {
    router: Router,
    /// Who lets users in.
    pub verifier: Verifier,
    /// The access to the database that the server uses.
    pub store: Db,
    /// Dropped last: connections close before it does.
    pub db: TestDb,
}

/// How a server under test differs from the usual one.
#[derive(Default)]
pub struct Builder {
    db: Option<TestDb>,
    limits: Limits,
    documents: Documents,
    request_timeout: Option<Duration>,
    sources: Vec<KeySource>,
    serves_metrics: bool,
}

impl Builder {
    /// On this database instead of a fresh one.
    pub fn db(mut self, db: TestDb) -> Self {
        self.db = Some(db);
        self
    }

    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub fn documents(mut self, documents: Documents) -> Self {
        self.documents = documents;
        self
    }

    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// Accepts the tokens of these sources instead of those of [`token`].
    pub fn trusting(mut self, sources: impl IntoIterator<Item = KeySource>) -> Self {
        self.sources.extend(sources);
        self
    }

    /// Serves the metrics of this process, too.
    pub fn metrics(mut self) -> Self {
        self.serves_metrics = true;
        self
    }

    pub async fn build(mut self) -> App {
        let db = match self.db.take() {
            Some(db) => db,
            None => TestDb::fresh().await,
        };
        let store = db.open().await;
        let verifier = Verifier::new(self.sources(), ClaimRules::default());
        let state = AppState {
            db: store.clone(),
            verifier: verifier.clone(),
            schema: graphql::schema(&self.limits, self.documents),
            readiness: Readiness::default(),
            playground: Playground { is_on: true, token: Some(token("ann").into()) },
        };
        let config = RouterConfig {
            // Long enough for a machine that does other things too.
            request_timeout: self.request_timeout.unwrap_or(Duration::from_mins(2)),
            cors_origins: None,
            metrics: self.serves_metrics.then(metrics),
        };
        App { router: router(state, &config), store, verifier, db }
    }

    fn sources(&mut self) -> Vec<KeySource> {
        if self.sources.is_empty() {
            self.sources.push(KeySource::hs256(&[SECRET.into()]));
        }
        std::mem::take(&mut self.sources)
    }
}

/// The metrics of this process, which has one collector.
fn metrics() -> PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS.get_or_init(|| tandem::telemetry::collect_metrics().expect("the only one to collect")).clone()
}

impl App {
    /// On a fresh database of its own.
    pub async fn new() -> Self {
        Self::builder().build().await
    }

    /// On a fresh database of a server; `None` where there is none.
    pub async fn on_server() -> Option<Self> {
        Some(Self::on(TestDb::on_server().await?).await)
    }

    /// On this database.
    pub async fn on(db: TestDb) -> Self {
        Self::builder().db(db).build().await
    }

    /// One that differs from the usual.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A user with a good token.
    pub fn user(&self, id: &str) -> User {
        self.bearer(token(id))
    }

    /// Whoever has this token.
    pub fn bearer(&self, token: impl Into<String>) -> User {
        User::new(self.router.clone(), Some(token.into()))
    }

    /// Someone without a token.
    pub fn anonymous(&self) -> User {
        User::new(self.router.clone(), None)
    }

    /// On this database, with these limits.
    pub async fn with(db: TestDb, limits: Limits, request_timeout: Duration) -> Self {
        Self::builder().db(db).limits(limits).request_timeout(request_timeout).build().await
    }

    /// On this database, with these limits and rules for documents.
    pub async fn with_documents(db: TestDb, limits: Limits, documents: Documents, request_timeout: Duration) -> Self {
        Self::builder().db(db).limits(limits).documents(documents).request_timeout(request_timeout).build().await
    }

    /// On a fresh database, for tokens of these origins.
    pub async fn trusting(sources: Vec<KeySource>) -> Self {
        Self::builder().trusting(sources).build().await
    }

    /// The answer to any request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        answer::to(self.router.clone(), request).await
    }

    /// Both doors' answers to whoever has this token: the list in REST, `me` in GraphQL.
    pub async fn ask_both(&self, token: &str) -> [Answer; 2] {
        let user = self.bearer(token);
        [user.get("/api/tasks").await, user.graphql("{ me { id } }").await]
    }

    /// Whether both doors let in whoever has this token; they must agree.
    pub async fn lets_in(&self, token: &str) -> bool {
        let [rest, graphql] = self.ask_both(token).await;
        assert_eq!(rest.status, graphql.status, "{rest} {graphql}");
        assert!(matches!(rest.status.as_u16(), 200 | 401), "{rest}");
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
