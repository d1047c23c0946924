//! What is known of a request inside of the router, and written down once it was answered.

use std::{cell::RefCell, fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    extract::{MatchedPath, Request},
    http::Method,
};
use tokio::task::futures::TaskLocalFuture;
use tracing::{Instrument, Span, field, info};

use super::traces::{self, RemoteTrace};

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// A future during which notes can be taken.
pub(super) type Noting<F> = TaskLocalFuture<RefCell<Notes>, F>;

/// What handlers know of the request that the current task is working on.
pub(super) struct Notes {
    /// Of the log.
    span: Span,
    /// Of the trace.
    trace: Span,
    /// What its client named.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "there are no traces"))]
    remote: RemoteTrace,
    pub(super) route: Option<MatchedPath>,
    user: Option<Arc<str>>,
    has_written: bool,
    pub(super) operation: Option<Arc<str>>,
}

/// Notes the route of a request. Not the path, which may contain a user id.
pub(crate) fn note_route(mut request: Request) -> Request {
    // Taken out: all requests to a route share its name, and a clone would count one more reference to it.
    if let Some(route) = request.extensions_mut().remove::<MatchedPath>() {
        note(|notes| {
            traces::routed(&notes.trace, request.method(), route.as_str());
            notes.route = Some(route);
        });
    }
    request
}

/// Notes whose request this is. The log has a hash of the id.
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

/// Notes which root field a GraphQL operation selects: a name of the schema, never a client's word. A batch can have
/// several.
pub(crate) fn note_operation(field: &Arc<str>) {
    note(|notes| match &notes.operation {
        Some(first) if first != field => notes.operation = Some("several".into()),
        Some(_) => {}
        None => notes.operation = Some(Arc::clone(field)),
    });
}

fn note(write: impl FnOnce(&mut Notes)) {
    // Outside of requests, as in background work, there is nothing to write it into.
    let _ = NOTES.try_with(|notes| write(&mut notes.borrow_mut()));
}

/// Work for the current request, if there is one, that goes on in another task: with its spans.
pub(crate) fn carried_on<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let spans = NOTES.try_with(|notes| notes.borrow().span.clone());
    work.instrument(Span::current()).instrument(spans.unwrap_or_else(|_| Span::none()))
}

/// Whether the current task is working on a request.
#[cfg(feature = "otlp")]
pub(super) fn is_in_request() -> bool {
    NOTES.try_with(|_| ()).is_ok()
}

/// The trace that the client of the current request named.
#[cfg(feature = "otlp")]
pub(super) fn remote_trace() -> Option<RemoteTrace> {
    NOTES.try_with(|notes| notes.borrow().remote.clone()).ok()
}

impl Notes {
    pub(super) fn new(span: Span, trace: Span, remote: RemoteTrace) -> Self {
        Self { span, trace, remote, route: None, user: None, has_written: false, operation: None }
    }

    /// Has them taken while the request is worked on.
    pub(super) fn during<F: Future>(self, work: F) -> Noting<F> {
        NOTES.scope(RefCell::new(self), work)
    }

    /// Writes them into the log and the trace.
    pub(super) fn answered(&self, door: &'static str, method: Option<&Method>, status: u16, elapsed: Duration) {
        let operation = self.operation.as_deref();
        let (method, route) = (method.map(Method::as_str), self.route.as_ref().map(MatchedPath::as_str));
        traces::answered(&self.trace, door, status, operation);
        let user = self.user.as_deref().map(|id| field::display(Hashed(id)));
        info!(method, route, status, ms = elapsed.as_secs_f64() * 1000.0, operation, user, "answered");
    }
}

/// The first 12 digits of a user id's SHA-256: enough to find somebody's requests, too little to tell who it is.
struct Hashed<'a>(&'a str);

impl fmt::Display for Hashed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        digest(&SHA256, self.0.as_bytes()).as_ref().iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_in_the_log_by_what_sha256sum_prints() {
        // printf ann | sha256sum | cut -c1-12
        assert_eq!(Hashed("ann").to_string(), "49915e0d7d4b");
    }
}
