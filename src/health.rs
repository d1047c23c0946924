//! The probes: whether the process is alive, and whether it can serve.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use crate::{error::Code, http::PROBES, store::Db};

/// How long a proof of isolation stays valid. Several probers may ask, and each proof writes and rolls back.
const PROOF_LIFETIME: Duration = Duration::from_secs(5);

/// When isolation was last proved. One proof runs at a time; other probes wait for it.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    proved_at: Arc<Mutex<Option<Instant>>>,
}

/// The probes. `/health` is the name older deployments ask for.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Db: FromRef<S>,
    Readiness: FromRef<S>,
{
    let [alive, is_ready, older] = PROBES;
    Router::new().route(alive, get(live)).route(is_ready, get(ready)).route(older, get(ready))
}

/// The process is alive.
async fn live() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// The database answers and isolates users; otherwise 503.
async fn ready(State(db): State<Db>, State(readiness): State<Readiness>) -> Response {
    let mut proved_at = readiness.proved_at.lock().await;
    if proved_at.is_none_or(|at| at.elapsed() > PROOF_LIFETIME) {
        if let Err(error) = db.prove_isolation().await {
            *proved_at = None;
            error.log();
            let body = json!({ "status": "unavailable", "code": Code::ServiceUnavailable.as_str() });
            return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
        }
        *proved_at = Some(Instant::now());
    }
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })).into_response()
}
