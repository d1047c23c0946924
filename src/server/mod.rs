//! Puts the parts together and runs them until the process is told to stop.

mod activity;
mod connection;
mod limits;
mod listener;
mod request_body;
mod shutdown;

use std::sync::Arc;

use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{Instant, sleep},
};

pub use self::{limits::ConnectionLimits, listener::serve as listen};

use crate::{
    auth::{KeySource, Verifier},
    config::Config,
    database::Database,
    development::Development,
    error::{Error, Result},
    graphql::{self, Documents, Playground},
    health::Readiness,
    live::Hub,
    router::{RouterConfig, router},
    state::AppState,
    store::{self, Db},
    streams::Streams,
    telemetry::collect_metrics,
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
    if config.database.migrate_on_start {
        for version in store::migrate(&database.config).await? {
            tracing::info!(version, "migrated");
        }
    }
    let db = Db::open(&database.config).await?;
    db.check_pooler().await?;
    db.prove_isolation_at_start().await?;
    let development = if config.is_development() { Some(Development::open(&config)?) } else { None };
    let sources = development.as_ref().map_or(configured, |development| vec![development.key_source(&config)]);
    let listener = TcpListener::bind(config.server.address()).await;
    let listener =
        listener.map_err(|error| Error::internal(format!("can't listen on {}: {error}", config.server.address())))?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let metrics = config.has_metrics().then(collect_metrics).transpose().map_err(Error::internal)?;
    let live = Hub::new(db.clone());
    let app = app(&config, db.clone(), live.clone(), sources, documents, development.as_ref(), metrics);
    match &development {
        Some(development) => println!("{}", development.banner(address)),
        None => tracing::info!(%address, "serving"),
    }
    tokio::select! {
        () = run(listener, app, &config) => {}
        () = db.keep_swept() => {}
        () = live.keep_polling() => {}
    }
    db.drain(Instant::now() + config.database.statement_timeout).await;
    drop((db, live));
    database.close().await?;
    tracing::info!("stopped");
    Ok(())
}

fn app(
    config: &Config,
    db: Db,
    live: Hub,
    sources: Vec<KeySource>,
    documents: Documents,
    development: Option<&Development>,
    metrics: Option<PrometheusHandle>,
) -> Router {
    let token =
        development.filter(|_| config.server.host.is_loopback()).map(|development| Arc::clone(&development.token));
    let verifier = Verifier::new(sources, config.tokens.claim_rules.clone());
    verifier.keep_keys_fresh();
    let rate_limits = config.rate_limits();
    let state = AppState {
        db,
        verifier,
        schema: graphql::schema(&config.limits(), documents, rate_limits.clone(), live.clone()),
        live,
        rate_limits,
        streams: Streams::new(config.streams.clone()),
        readiness: Readiness::default(),
        playground: Playground { is_on: config.has_graphiql(), token },
    };
    let cors_origins = config.server.cors_origins.clone().or_else(|| (!config.is_development()).then(Vec::new));
    let (request_timeout, hsts) = (config.server.request_timeout, config.server.hsts_max_age);
    router(state, &RouterConfig { request_timeout, cors_origins, hsts, metrics })
}

async fn run(listener: TcpListener, app: Router, config: &Config) {
    let (stopping, stopped) = oneshot::channel::<()>();
    let stop = async move {
        shutdown::requested().await;
        drop(stopping);
    };
    let deadline = async {
        // The sender is only ever dropped.
        let _ = stopped.await;
        sleep(config.server.shutdown_timeout).await;
    };
    tokio::select! {
        () = listen(listener, app, config.server.connections.clone(), stop) => {}
        () = deadline => tracing::warn!("gave up on requests still in flight"),
    }
}
