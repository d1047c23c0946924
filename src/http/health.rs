//! The probes: whether the process is alive, and whether it can serve.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{FromRef, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use super::guard::PROBES;
use crate::{
    error::Code,
    store::{Coverage, Db},
};

/// How long a proof of isolation stays valid. Several probers may ask, and each proof writes and rolls back.
const PROOF_LIFETIME: Duration = Duration::from_secs(5);

/// Whether the server can serve, and is to be sent requests. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    /// When isolation was last proved, and for what. One proof runs at a time; other probes wait for it.
    proof: Arc<Mutex<Option<(Instant, Coverage)>>>,
    is_leaving: Arc<AtomicBool>,
}

impl Readiness {
    /// The server was told to stop: it is no longer ready, though it still responds for a while.
    pub fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }
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

/// The database answers and isolates users; otherwise 503. Where only parts of it answer, this server can serve as many
/// users as any other: it stays ready, and says so.
async fn ready(State(db): State<Db>, State(readiness): State<Readiness>) -> Response {
    if readiness.is_leaving() {
        return unavailable("stopping");
    }
    let mut proof = readiness.proof.lock().await;
    if proof.as_ref().is_none_or(|(at, _)| at.elapsed() > PROOF_LIFETIME) {
        let coverage = match db.prove_isolation().await {
            Ok(coverage) => coverage,
            Err(error) => {
                *proof = None;
                error.log();
                return unavailable("unavailable");
            }
        };
        report(proof.as_ref().map(|(_, before)| before), &coverage);
        *proof = Some((Instant::now(), coverage));
    }
    let is_whole = matches!(*proof, Some((_, Coverage::Whole)));
    let status = if is_whole { "ok" } else { "degraded" };
    Json(json!({ "status": status, "version": env!("CARGO_PKG_VERSION") })).into_response()
}

fn report(before: Option<&Coverage>, now: &Coverage) {
    match newly_away(before, now) {
        None => {}
        Some([]) => tracing::info!("all nodes of the database answer again"),
        Some(nodes) => {
            tracing::warn!(nodes = nodes.join("; "), "nodes of the database don't answer: their users get 503");
        }
    }
}

/// The nodes that are away, if others are than before.
fn newly_away<'a>(before: Option<&Coverage>, now: &'a Coverage) -> Option<&'a [String]> {
    let before = before.map_or(&[][..], Coverage::away);
    (before != now.away()).then(|| now.away())
}

fn unavailable(status: &str) -> Response {
    let body = json!({ "status": status, "code": Code::ServiceUnavailable.as_str() });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_are_away_are_news_only_when_that_changes() {
        let partial = |nodes: &[&str]| Coverage::Partial(nodes.iter().map(ToString::to_string).collect());
        let cases = [
            (None, Coverage::Whole, None),
            (None, partial(&["a"]), Some(1)),
            (Some(Coverage::Whole), partial(&["a"]), Some(1)),
            (Some(partial(&["a"])), partial(&["a"]), None),
            (Some(partial(&["a"])), partial(&["a", "b"]), Some(2)),
            (Some(partial(&["a"])), Coverage::Whole, Some(0)),
        ];
        for (before, now, expected) in cases {
            assert_eq!(newly_away(before.as_ref(), &now).map(<[_]>::len), expected, "{before:?}, {now:?}");
        }
    }
}
