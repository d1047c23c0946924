//! Serves metrics and probes on a port of their own, which clients can't reach: however many there are, probes are answered.
//! Only a development server has its metrics on the main port.

use std::future::pending;

use tokio::net::TcpListener;

use super::{bind, listener::serve};
use crate::{
    config::{Config, ConnectionLimits},
    error::{Error, Result},
    http::{health::Readiness, rate_limiting::TrustedProxies, streams},
    live,
    router::operators_routes,
    store::Db,
    telemetry::Metrics,
};

/// Metrics, if anybody wants them.
pub(super) struct MetricsServer {
    /// Those that the main port serves.
    pub(super) on_main_port: Option<Metrics>,
    metrics: Option<Metrics>,
    listener: Option<TcpListener>,
    limits: ConnectionLimits,
}

impl MetricsServer {
    /// Starts collecting, and listens if the settings say so.
    pub(super) async fn open(config: &Config) -> Result<Self> {
        let address = config.logs.metrics_listen;
        let limits = config.server.connections.of_operators();
        if address.is_none() && !config.is_development() {
            return Ok(Self { on_main_port: None, metrics: None, listener: None, limits });
        }
        let listener = match address {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let metrics = Metrics::collect().map_err(Error::internal)?;
        streams::describe_metrics();
        live::describe_metrics();
        if let Some(address) = listener.as_ref().and_then(|listener| listener.local_addr().ok()) {
            tracing::info!(%address, "serving metrics");
        }
        let on_main_port = listener.is_none().then(|| metrics.clone());
        Ok(Self { on_main_port, metrics: Some(metrics), listener, limits })
    }

    /// Serves for as long as it is polled, so that a server which is stopping can still be watched.
    pub(super) async fn serve(self, db: Db, readiness: Readiness) {
        let Some(metrics) = self.metrics else { return pending().await };
        let compact = metrics.keep_compact();
        let Some(listener) = self.listener else { return compact.await };
        let app = operators_routes(metrics.clone(), db, readiness.clone());
        tokio::select! {
            () = compact => {}
            () = serve(listener, app, self.limits, TrustedProxies::default(), readiness, pending()) => {}
        }
    }
}
