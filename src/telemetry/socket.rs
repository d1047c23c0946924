//! What is written down of each operation on a WebSocket: the same as of a request over HTTP. The request that opened the
//! socket was answered long ago.

use std::{cell::RefCell, pin::pin, sync::Arc, time::Instant};

use axum::http::HeaderMap;
use tracing::{Instrument, Span, info_span};

use super::{
    GRAPHQL, REQUEST_ID,
    metrics::graphql_answered,
    notes::{Notes, note_user},
    traces::{self, RemoteTrace},
};

/// What its operations have from the request that opened a socket. It copies what it keeps: a header's value holds all
/// that was read of the connection at once.
pub(crate) struct SocketOrigin {
    request_id: Box<str>,
    trace: RemoteTrace,
}

impl SocketOrigin {
    /// Of the headers of that request.
    pub(crate) fn new(headers: &HeaderMap) -> Self {
        let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
        Self { request_id: request_id.into(), trace: RemoteTrace::of(headers) }
    }

    /// What log lines about the socket are written in.
    pub(crate) fn span(&self) -> Span {
        info_span!("request", id = &*self.request_id, outlet = "websocket")
    }

    /// Observes an operation until it has its first answer, which has this status. A subscription may go on for days behind it.
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
            let answer = noting.as_mut().await;
            if let Some(notes) = noting.take_value().map(RefCell::into_inner) {
                let (status, elapsed) = (status(&answer), started.elapsed());
                graphql_answered(notes.operation.as_deref(), status, elapsed);
                notes.answered(GRAPHQL, None, status, elapsed);
            }
            answer
        };
        observed.instrument(trace).instrument(span).await
    }
}
