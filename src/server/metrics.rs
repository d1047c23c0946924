//! Serves metrics on a port of their own, which clients can't reach. Only a development server has them on its main port.

use axum::Router;
use tokio::net::TcpListener;

use super::bind;
use crate::{
    config::Config,
    error::{Error, Result},
    http::streams,
    live,
    router::metrics_route,
    store::Db,
    telemetry::Metrics,
};

/// Metrics, if anybody wants them.
pub(super) struct MetricsServer {
    /// Those that the main port serves.
    pub(super) on_main_port: Option<Metrics>,
    metrics: Option<Metrics>,
    listener: Option<TcpListener>,
}

impl MetricsServer {
    /// Starts collecting, and listens if the settings say so.
    pub(super) async fn open(config: &Config) -> Result<Self> {
        let address = config.logs.metrics_listen;
        if address.is_none() && !config.is_development() {
            return Ok(Self { on_main_port: None, metrics: None, listener: None });
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
        Ok(Self { on_main_port: listener.is_none().then(|| metrics.clone()), metrics: Some(metrics), listener })
    }

    /// Serves for as long as it is polled, so that a server which is stopping can still be watched.
    pub(super) async fn serve(self, db: Db) {
        let Some(metrics) = self.metrics else { return std::future::pending().await };
        let compact = metrics.keep_compact();
        let Some(listener) = self.listener else { return compact.await };
        let app: Router = metrics_route(metrics.clone(), db);
        tokio::select! {
            () = compact => {}
            ended = axum::serve(listener, app) => tracing::error!(?ended, "metrics are not served any more"),
        }
    }
}
