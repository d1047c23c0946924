//! Whether the process lives and whether it can serve.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use crate::{error::Code, store::Db};

/// How long a proof of isolation is good for: probes come from many sides, and each proof writes and rolls back.
const PROOF_LIFETIME: Duration = Duration::from_secs(5);

/// Remembers when isolation was last proved. One proof at a time: other probes wait for it.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    proved_at: Arc<Mutex<Option<Instant>>>,
}

/// The process lives.
pub async fn live() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// The database answers and keeps users apart; else 503.
pub async fn ready(State(db): State<Db>, State(readiness): State<Readiness>) -> Response {
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
