//! Puts the parts together and runs them until the process is told to stop.

mod activity;
mod addresses;
mod connection;
pub mod database;
pub mod development;
mod listener;
mod metrics;
mod request_body;
mod response_body;
mod shutdown;
mod start;

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{Instant, sleep},
};

pub use self::listener::serve as listen;
use self::metrics::MetricsServer;

use self::{database::Database, development::Development, start::Start};
use crate::{
    auth::{KeySource, Verifier},
    config::Config,
    error::{Code, Error, Result},
    graphql::{DocumentPolicy, Engine, Playground},
    http::{
        guard::{Bodies, Outgoing},
        health::Readiness,
        streams::Streams,
    },
    live::Hub,
    router::{self, App, RouterConfig},
    state::AppState,
    store::{self, Db},
    telemetry::Metrics,
    web::{SignIn, WebApp},
};

/// Serves until a signal to stop, then finishes what is in flight.
pub async fn serve(config: Config) -> Result<()> {
    // Before anything is touched: a server that can't know anybody has nothing to serve.
    let configured = config.key_sources().map_err(Error::internal)?;
    for warning in config.tokens.warnings() {
        tracing::warn!("{warning}");
    }
    let documents = config.graphql.documents().map_err(Error::internal)?;
    let database = Database::open(&config).await?;
    let db = open(&config, &database).await?;
    let development = if config.is_development() { Some(Development::open(&config)?) } else { None };
    let sources = development.as_ref().map_or(configured, |development| vec![development.key_source(&config)]);
    let metrics = MetricsServer::open(&config).await?;
    let listener = bind(config.server.address()).await?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let live = Hub::new(db.clone());
    let readiness = Readiness::default();
    let parts = Parts {
        live: live.clone(),
        sources,
        documents,
        readiness: readiness.clone(),
        metrics: metrics.on_main_port.clone(),
    };
    let app = app(&config, db.clone(), parts, development.as_ref());
    match &development {
        Some(development) => println!("{}", development.banner(address)),
        None => tracing::info!(%address, "serving"),
    }
    tokio::select! {
        () = run(listener, app, &config, readiness.clone()) => {}
        () = db.keep_swept() => {}
        () = live.keep_polling() => {}
        () = metrics.serve(db.clone(), readiness.clone()) => {}
    }
    db.drain(Instant::now() + config.database.statement_timeout).await;
    drop((db, live));
    database.close().await?;
    tracing::info!("stopped");
    Ok(())
}

/// The database, migrated if that is wanted, and proved to keep users apart. First the pooler is checked: one that mixes up
/// statements can make anything fail.
async fn open(config: &Config, database: &Database) -> Result<Db> {
    let start = Start::within(config.database.start_timeout);
    let db = Db::open(&database.config).await?;
    match start.attempt("check the pooler", || db.check_pooler()).await {
        // One that gives out a single connection, perhaps.
        Err(error) if error.code() == Code::ServiceUnavailable => {
            tracing::warn!("skipped the check whether a pooler mixes up prepared statements: {}", error.report());
        }
        checked => checked?,
    }
    if config.database.migrate_on_start {
        let migrated = start.attempt("migrate the database", || store::migrate(&database.migrating)).await?;
        for version in migrated.versions {
            tracing::info!(version, "migrated");
        }
        if let Some(advice) = migrated.distribution.advice() {
            tracing::warn!("{advice}");
        }
    }
    start.attempt("prove the isolation of users", || db.prove_isolation_at_start()).await?;
    Ok(db)
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| Error::internal(format!("can't listen on {address}: {error}")))
}

/// What a server is made of besides its settings and its database.
struct Parts {
    live: Hub,
    sources: Vec<KeySource>,
    documents: DocumentPolicy,
    readiness: Readiness,
    metrics: Option<Metrics>,
}

fn app(config: &Config, db: Db, parts: Parts, development: Option<&Development>) -> impl App + use<> {
    let Parts { live, sources, documents, readiness, metrics } = parts;
    let development = development.filter(|_| config.server.host.is_loopback());
    let token = development.map(|development| Arc::clone(&development.token));
    let sign_in = match (development, config.tokens.session_url()) {
        (Some(development), _) => SignIn::Development(development.mint(config)),
        (None, Some(url)) => SignIn::Session(url),
        (None, None) => SignIn::Pasted,
    };
    let verifier = Verifier::new(sources, config.tokens.claim_rules.clone());
    verifier.keep_keys_fresh();
    let rate_limits = config.rate_limits();
    let outgoing = Outgoing::new(config.server.response_memory, config.server.response_memory_per_user);
    let state = AppState {
        db,
        verifier,
        graphql: Engine::new(&config.limits(), documents, rate_limits.clone(), live.clone()),
        live,
        rate_limits,
        bodies: Bodies::new(config.server.max_body, outgoing.clone()),
        outgoing,
        streams: Streams::new(config.streams.clone()),
        readiness,
        playground: Playground { is_on: config.has_graphiql(), token },
        web_app: WebApp { is_on: config.has_app(), sign_in },
        rest: config.rest,
    };
    let cors_origins = config.server.cors_origins.clone().or_else(|| (!config.is_development()).then(Vec::new));
    let (request_timeout, hsts) = (config.server.request_timeout, config.server.hsts_max_age);
    router::app(state, &RouterConfig { request_timeout, cors_origins, hsts, metrics })
}

async fn run(listener: TcpListener, app: impl App, config: &Config, readiness: Readiness) {
    let (stopping, stopped) = oneshot::channel::<()>();
    let (delay, leaving) = (config.shutdown_delay(), readiness.clone());
    let stop = async move {
        shutdown::requested().await;
        leaving.leave();
        sleep(delay).await;
        tracing::info!("stopping: finishing requests in flight");
        drop(stopping);
    };
    let deadline = async {
        // The sender is only ever dropped.
        let _ = stopped.await;
        sleep(config.server.shutdown_timeout).await;
    };
    let proxies = config.rate_limits.trusted_proxies.clone().unwrap_or_default();
    tokio::select! {
        () = listen(listener, app, config.server.connections.clone(), proxies, readiness, stop) => {}
        () = deadline => tracing::warn!("gave up on requests still in flight"),
    }
}
