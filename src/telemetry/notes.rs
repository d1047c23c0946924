//! Notes about the current request, kept in a task-local: what only handlers know, and what work on the request needs.

use std::{cell::RefCell, sync::Arc};

use axum::extract::MatchedPath;
use tokio::task::futures::TaskLocalFuture;
use tracing::{Instrument, Span};

use super::remote_trace::RemoteTrace;

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// A future during which notes can be taken.
pub(super) type Noting<F> = TaskLocalFuture<RefCell<Notes>, F>;

/// Notes about a request, or about an operation on a WebSocket.
pub(super) struct Notes {
    /// The span of the log.
    span: Span,
    /// The span of the trace.
    pub(super) trace: Span,
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "there are no traces"))]
    remote: RemoteTrace,
    pub(super) route: Option<MatchedPath>,
    pub(super) user: Option<Arc<str>>,
    has_written: bool,
    /// A root field of the GraphQL schema, or `several`.
    pub(super) operation: Option<Arc<str>>,
}

impl Notes {
    pub(super) fn new(span: Span, trace: Span, remote: RemoteTrace) -> Self {
        Self { span, trace, remote, route: None, user: None, has_written: false, operation: None }
    }

    /// Takes notes while a future runs.
    pub(super) fn during<F: Future>(self, work: F) -> Noting<F> {
        NOTES.scope(RefCell::new(self), work)
    }
}

/// Notes the user. The log has a hash of the id.
pub(crate) fn note_user(id: &Arc<str>) {
    note(|notes| notes.user = Some(Arc::clone(id)));
}

/// Notes that this request has written, whatever becomes of its response.
pub(crate) fn note_write() {
    note(|notes| notes.has_written = true);
}

/// The user of the current request, and whether it has written.
pub(crate) fn noted() -> (Option<Arc<str>>, bool) {
    NOTES.try_with(|notes| (notes.borrow().user.clone(), notes.borrow().has_written)).unwrap_or_default()
}

/// Notes the root field of a GraphQL operation, of which a batch may have several. It must be a name in the schema, not the
/// client's text.
pub(crate) fn note_operation(field: &Arc<str>) {
    note(|notes| match &notes.operation {
        Some(first) if first != field => notes.operation = Some("several".into()),
        Some(_) => {}
        None => notes.operation = Some(Arc::clone(field)),
    });
}

/// Does nothing outside of requests, as in background work.
pub(super) fn note(write: impl FnOnce(&mut Notes)) {
    let _ = NOTES.try_with(|notes| write(&mut notes.borrow_mut()));
}

/// Attaches the current request's spans to a future that will run in another task.
pub(crate) fn in_current_spans<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let span = NOTES.try_with(|notes| notes.borrow().span.clone());
    work.instrument(Span::current()).instrument(span.unwrap_or_else(|_| Span::none()))
}

/// Whether the current task is working on a request.
#[cfg(feature = "otlp")]
pub(super) fn is_in_request() -> bool {
    NOTES.try_with(|_| ()).is_ok()
}

/// The trace of the current request's client.
#[cfg(feature = "otlp")]
pub(super) fn remote_trace() -> Option<RemoteTrace> {
    NOTES.try_with(|notes| notes.borrow().remote.clone()).ok()
}
