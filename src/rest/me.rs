//! The routes of everything that the token's user has.

use axum::{
    Router,
    body::Body,
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::MethodFilter,
};
use futures::stream::try_unfold;

use super::{
    error::RestError,
    request::extract::OwnTasks,
    routes::{cacheable, route},
};
use crate::{
    error::{Code, Error},
    http::{
        rate_limiting::RateLimits,
        streams::{Connection, Ended, Lifetime, Outlet, StreamPermit},
    },
    moving::{Export, Lines},
    resolvers,
    state::SharedState,
    store::UserTasks,
};

/// The routes, as method and path.
pub const ME_ROUTES: [(&str, &str); 2] = [("DELETE", "/api/me"), ("GET", "/api/me/export")];

/// The fields of a task, which an export is charged for.
const FIELDS: usize = 12;
/// Keeps nginx from buffering.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

pub(super) fn routes() -> Router<SharedState> {
    let erase = route("/api/me", "/", cacheable(MethodFilter::DELETE, erase));
    erase.merge(route("/api/me", "/export", cacheable(MethodFilter::GET, export)))
}

/// Erase everything.
///
/// Deletes all that the server has of the token's user, for ever: tasks, what is known of deleted ones, and idempotency keys.
/// Clients that follow the change feed start over. The user can still create tasks, for as long as their tokens are valid.
#[utoipa::path(
    delete,
    path = "/api/me",
    operation_id = "eraseMe",
    responses((status = 204, description = "Nothing of the user is left")),
)]
pub(super) async fn erase(OwnTasks(tasks): OwnTasks) -> Result<StatusCode, RestError> {
    resolvers::erase(&tasks).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Export everything.
///
/// A task on each line, as JSON, in the order of their last changes, then the trash, with `deleted_at`, then what has changed
/// meanwhile: of a task that is there twice, the later line is the newer one. `tandem import` takes the file. It is streamed, as fast as the user's rate limit allows. A connection that is closed before the last chunk means that the
/// export is not complete.
#[utoipa::path(
    get,
    path = "/api/me/export",
    operation_id = "exportMe",
    responses((
        status = 200,
        description = "All tasks of the user",
        content((String = "application/x-ndjson")),
    )),
)]
pub(super) async fn export(OwnTasks(tasks): OwnTasks, exporter: Exporter) -> Result<Response, RestError> {
    exporter.stream(tasks).await
}

/// What an export is streamed with, besides its tasks.
pub(super) struct Exporter {
    lifetime: Lifetime,
    permit: StreamPermit,
    limits: RateLimits,
}

impl FromRequestParts<SharedState> for Exporter {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, RestError> {
        let Ok(connection) = Connection::from_request_parts(parts, state).await;
        let token = state.verifier.authenticate(&parts.headers).await?;
        let permit = state.streams.open(token.user(), Outlet::Export)?;
        let lifetime = Lifetime::new(token, connection.stopping(), state.streams.limits().heartbeat);
        Ok(Self { lifetime, permit, limits: state.rate_limits.clone() })
    }
}

impl Exporter {
    /// The first lines are read before the response begins, so that most failures have a status.
    async fn stream(self, tasks: UserTasks) -> Result<Response, RestError> {
        let user = tasks.user().clone();
        let mut export = Export::new(tasks);
        let first = export.next().await?;
        let lines = try_unfold((self, export, first), move |(mut exporter, mut export, lines)| {
            let user = user.clone();
            async move {
                let Some(Lines { text, count }) = lines else { return Ok(None) };
                exporter.limits.charge_event(&user, count * FIELDS).await;
                let next = exporter.next(&mut export).await.map_err(|error| error.message().to_owned())?;
                Ok::<_, String>(Some((text, (exporter, export, next))))
            }
        });
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
            (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"tasks.ndjson\"")),
            UNBUFFERED,
        ];
        Ok((headers, Body::from_stream(lines)).into_response())
    }

    /// The next lines, unless the token isn't valid any more or the server stops. The connection is closed then, and the
    /// reason logged.
    async fn next(&mut self, export: &mut Export) -> Result<Option<Lines>, Error> {
        let next = async {
            tokio::select! {
                biased;
                ended = async { loop { if let Err(ended) = self.lifetime.beat().await { break ended } } } => Err(ended),
                lines = export.next() => Ok(lines),
            }
        };
        match next.await {
            Ok(Ok(lines)) => Ok(lines),
            Ok(Err(error)) => {
                self.permit.ended(Ended::Failed);
                error.log();
                Err(error)
            }
            Err(ended) => {
                self.permit.ended(ended);
                Err(Error::new(Code::ServiceUnavailable, "the export has ended early"))
            }
        }
    }
}
