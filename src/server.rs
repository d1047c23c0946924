//! Puts the house together and runs it until it is told to stop.

use std::{future::IntoFuture, sync::Arc, time::Duration};

use axum::{Router, serve::ListenerExt};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, signal, sync::watch, time::Instant};

use crate::{
    auth::{KeySource, Verifier},
    config::Config,
    database::Database,
    development::Development,
    error::{Error, Result},
    graphql::{self, Playground},
    health::Readiness,
    router::{RouterConfig, router},
    state::AppState,
    store::{self, Db},
    telemetry::collect_metrics,
};

/// Serves until a signal to stop, then finishes what is in flight.
pub async fn serve(config: Config) -> Result<()> {
    // Before anything is touched: a server that can't know anybody has nothing to serve.
    let configured = config.key_sources().map_err(Error::internal)?;
    let database = Database::open(&config).await?;
    if config.migrate_on_start {
        for version in store::migrate(&database.config).await? {
            tracing::info!(version, "migrated");
        }
    }
    let db = Db::open(&database.config).await?;
    db.prove_isolation().await?;
    let development = if config.is_development() { Some(Development::open(&config)?) } else { None };
    let sources = development.as_ref().map_or(configured, |development| vec![development.key_source(&config)]);
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|error| Error::internal(format!("can't listen on {}: {error}", config.listen)))?;
    let address = listener.local_addr().map_err(Error::internal)?;
    let metrics = config.metrics.then(collect_metrics).transpose().map_err(Error::internal)?;
    let app = app(&config, db.clone(), sources, development.as_ref(), metrics);
    match &development {
        Some(development) => println!("{}", development.banner(address)),
        None => tracing::info!(%address, "serving"),
    }
    run(listener, app, config.shutdown_timeout).await?;
    db.drain(Instant::now() + config.statement_timeout).await;
    drop(db);
    database.close().await?;
    tracing::info!("stopped");
    Ok(())
}

fn app(
    config: &Config,
    db: Db,
    sources: Vec<KeySource>,
    development: Option<&Development>,
    metrics: Option<PrometheusHandle>,
) -> Router {
    let token =
        development.filter(|_| config.listen.ip().is_loopback()).map(|development| Arc::clone(&development.token));
    let verifier = Verifier::new(sources, config.claim_rules.clone());
    for jwks in config.jwks.iter().filter(|jwks| jwks.audience.is_none()) {
        tracing::warn!(url = %jwks.url, "tokens of this issuer are accepted whoever they were made for: set JWT_AUDIENCE");
    }
    verifier.keep_keys_fresh();
    let state = AppState {
        db,
        verifier,
        schema: graphql::schema(&config.limits, config.documents.clone()),
        readiness: Readiness::default(),
        playground: Playground { is_on: config.graphiql, token },
    };
    let cors_origins = config.cors_origins.clone().or_else(|| (!config.is_development()).then(Vec::new));
    router(state, &RouterConfig { request_timeout: config.request_timeout, cors_origins, metrics })
}

async fn run(listener: TcpListener, app: Router, shutdown_timeout: Duration) -> Result<()> {
    let (stopping, mut stopped) = watch::channel(());
    let stop = async move {
        stop_signal().await;
        tracing::info!("stopping: finishing requests in flight");
        drop(stopping);
        tokio::spawn(stop_at_once());
    };
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "can't turn Nagle's algorithm off");
        }
    });
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop).into_future();
    let deadline = async {
        // The sender is only ever dropped.
        let _ = stopped.changed().await;
        tokio::time::sleep(shutdown_timeout).await;
    };
    tokio::select! {
        served = serving => served.map_err(Error::internal),
        () = deadline => {
            tracing::warn!("gave up on requests still in flight");
            Ok(())
        }
    }
}

/// Whoever asks twice doesn't want to wait. What is committed is kept.
async fn stop_at_once() {
    stop_signal().await;
    tracing::warn!("stopped at once");
    std::process::exit(130);
}

/// Ctrl-C, or what a process manager sends.
async fn stop_signal() {
    #[cfg(unix)]
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        _ = signal::ctrl_c() => {}
        () = terminate => {}
    }
}
