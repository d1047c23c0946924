//! Observes operations on WebSockets, in the same way as HTTP requests. The upgrade request itself has long been responded to.

use std::{cell::RefCell, pin::pin, sync::Arc, time::Instant};

use axum::http::HeaderMap;
use tracing::{Instrument, Span, info_span};

use super::{
    GRAPHQL, REQUEST_ID,
    metrics::count_graphql,
    notes::{Notes, note_user},
    remote_trace::RemoteTrace,
    summary, traces,
};

/// What operations take over from the upgrade request. Copied, because a header value keeps the whole read buffer alive.
pub(crate) struct UpgradeRequest {
    id: Box<str>,
    trace: RemoteTrace,
}

impl UpgradeRequest {
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
        Self { id: id.into(), trace: RemoteTrace::of(headers) }
    }

    /// The span of log lines about the socket.
    pub(crate) fn span(&self) -> Span {
        info_span!("request", id = &*self.id, outlet = "websocket")
    }

    /// Observes an operation until its first response, which determines the status: a subscription may last for days.
    pub(crate) async fn observe<T>(
        &self,
        user: &Arc<str>,
        operation: impl Future<Output = T>,
        status: impl FnOnce(&T) -> u16,
    ) -> T {
        let (span, trace) = (self.span(), traces::operation_span(&self.trace));
        let started = Instant::now();
        let notes = Notes::new(span.clone(), trace.clone(), self.trace.clone());
        let observed = async {
            let mut noting = pin!(notes.during(async {
                note_user(user);
                operation.await
            }));
            let response = noting.as_mut().await;
            if let Some(notes) = noting.take_value().map(RefCell::into_inner) {
                let (status, elapsed) = (status(&response), started.elapsed());
                count_graphql(notes.operation.as_deref(), status, elapsed);
                summary::write(&notes, GRAPHQL, None, status, elapsed);
            }
            response
        };
        observed.instrument(trace).instrument(span).await
    }
}
