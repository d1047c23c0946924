//! The real router on a fresh database, called without a network in between.

use std::{sync::OnceLock, time::Duration};

use axum::{Router, http::StatusCode};
use tandem::{
    auth::{ClaimRules, KeySource, Verifier},
    graphql::{DocumentPolicy, Engine, Limits, Playground},
    http::{
        guard::{Bodies, MAX_BODY, Outgoing},
        health::Readiness,
        rate_limiting::RateLimits,
        streams::{StreamLimits, Streams},
    },
    live::Hub,
    rest::RestSettings,
    router::{self, RouterConfig},
    state::AppState,
    store::Db,
    telemetry::Metrics,
    web::{Mint, SignIn, WebApp},
};

use super::{Answer, SECRET, TestDb, User, token};

/// A server under test.
pub struct App {
    router: Router,
    /// Verifies users' tokens.
    pub verifier: Verifier,
    /// The access to the database that the server uses.
    pub store: Db,
    /// What wakes the server's streams.
    pub live: Hub,
    /// Dropped last: connections close before it does.
    pub db: TestDb,
}

/// How a server under test differs from the usual one.
#[derive(Default)]
pub struct Builder {
    db: Option<TestDb>,
    limits: Limits,
    documents: DocumentPolicy,
    streams: StreamLimits,
    request_timeout: Option<Duration>,
    rest: RestSettings,
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

    pub fn documents(mut self, documents: DocumentPolicy) -> Self {
        self.documents = documents;
        self
    }

    pub fn streams(mut self, streams: StreamLimits) -> Self {
        self.streams = streams;
        self
    }

    pub fn rest(mut self, rest: RestSettings) -> Self {
        self.rest = rest;
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

    /// Serves metrics, too: those of the whole process.
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
        let live = Hub::new(store.clone());
        let verifier = Verifier::new(self.sources(), ClaimRules::default());
        let state = AppState {
            db: store.clone(),
            live: live.clone(),
            verifier: verifier.clone(),
            rate_limits: RateLimits::default(),
            bodies: Bodies::new(MAX_BODY, Outgoing::new(usize::MAX / 2, usize::MAX / 2)),
            outgoing: Outgoing::new(usize::MAX / 2, usize::MAX / 2),
            graphql: Engine::new(&self.limits, self.documents, RateLimits::default(), live.clone()),
            streams: Streams::new(self.streams),
            readiness: Readiness::default(),
            playground: Playground { is_on: true, token: Some(token("ann").into()) },
            web_app: WebApp {
                is_on: true,
                sign_in: SignIn::Development(Mint { secret: SECRET.into(), issuer: None, audience: None }),
            },
            rest: self.rest,
        };
        let config = RouterConfig {
            // Long enough for a busy machine.
            request_timeout: self.request_timeout.unwrap_or(Duration::from_mins(2)),
            cors_origins: None,
            hsts: None,
            metrics: self.serves_metrics.then(metrics),
        };
        App { router: Router::new().fallback_service(router::app(state, &config)), store, live, verifier, db }
    }

    fn sources(&mut self) -> Vec<KeySource> {
        if self.sources.is_empty() {
            self.sources.push(KeySource::hs256(&[SECRET.into()]));
        }
        std::mem::take(&mut self.sources)
    }
}

/// The metrics of this process, which has one collector.
fn metrics() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(|| Metrics::collect().expect("the only one to collect")).clone()
}

impl App {
    /// On a fresh database of its own.
    pub async fn new() -> Self {
        Self::builder().build().await
    }

    /// On a fresh database of a server; `None` without a server.
    pub async fn on_server() -> Option<Self> {
        Some(Self::on(TestDb::on_server().await?).await)
    }

    /// On this database.
    pub async fn on(db: TestDb) -> Self {
        Self::builder().db(db).build().await
    }

    /// Another server on the same database.
    pub async fn another(&self) -> Self {
        Self::on(TestDb::at(self.db.config.clone(), self.db.url())).await
    }

    /// One that differs from the usual.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A user with a valid token.
    pub fn user(&self, id: &str) -> User {
        self.bearer(token(id))
    }

    /// A user with this token.
    pub fn bearer(&self, token: impl Into<String>) -> User {
        User::new(self.router.clone(), Some(token.into()))
    }

    /// A client without a token.
    pub fn anonymous(&self) -> User {
        User::new(self.router.clone(), None)
    }

    /// The router itself, for requests that no [`User`] can send.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Both doors' responses to this token: the list in REST, `me` in GraphQL.
    pub async fn ask_both(&self, token: &str) -> [Answer; 2] {
        let user = self.bearer(token);
        [user.get("/api/tasks").await, user.graphql("{ me { id } }").await]
    }

    /// Whether both doors accept this token; they must agree.
    pub async fn lets_in(&self, token: &str) -> bool {
        let [rest, graphql] = self.ask_both(token).await;
        assert_eq!(rest.status, graphql.status, "{rest} {graphql}");
        assert!(matches!(rest.status.as_u16(), 200 | 401), "{rest}");
        rest.status == StatusCode::OK
    }

    /// Serves on a free loopback port until the test ends; the URL without a path.
    pub async fn listen(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let app = self;
            axum::serve(listener, app.router.clone()).await
        });
        format!("http://{address}")
    }
}
