//! The change feed as REST reads and sends it.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    event_stream::last_event_id,
    task::{TaskBody, timestamp},
};
use crate::{
    error::Error,
    rest::{
        error::RestError,
        request::query::{QueryString, integer},
    },
    state::SharedState,
    task::{Change, Changes, FieldError, Limit, Since},
};

/// An empty parameter counts as omitted, except `cursor`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what ChangesQuery reads")]
pub(in crate::rest) struct ChangesParams {
    /// The `cursor` of the page before, or `latest` for what happens from now on. Without it the feed starts with everything.
    #[param(required = false)]
    cursor: Option<String>,
    /// The page size.
    #[param(inline, required = false)]
    limit: Option<Limit>,
}

/// Which page of the feed is asked for.
pub(in crate::rest) struct ChangesQuery {
    pub(in crate::rest) since: Since,
    pub(in crate::rest) limit: Limit,
}

impl FromRequestParts<SharedState> for ChangesQuery {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, RestError> {
        let mut query = QueryString::parse(parts.uri.query().unwrap_or_default());
        let last = last_event_id(parts);
        let cursor = query.unless(last.is_some(), "cursor", str::parse);
        let last = last.map(|id| {
            let invalid = |violation| FieldError::new("last-event-id", violation).given(id.clone());
            id.parse().map_err(|violation| RestError::in_part("header", invalid(violation)))
        });
        let since = last.transpose()?.or(cursor).unwrap_or_default();
        let limit = query.read("limit", |word| Limit::try_from(integer(word)?)).unwrap_or_default();
        let errors = query.into_errors();
        if errors.is_empty() {
            Ok(Self { since, limit })
        } else {
            Err(RestError::in_part("query", Error::from(errors)))
        }
    }
}

/// A page of the change feed. Applying the changes in order, by id, to what the cursor stood for makes a replica of the user's
/// tasks; when `has_more` is false, it is what the server has.
#[derive(Serialize, ToSchema)]
#[schema(as = Changes)]
pub(in crate::rest) struct ChangesBody {
    /// What changed, each task once at most.
    changes: Vec<ChangeBody>,
    /// Opaque text: the next `cursor`.
    cursor: String,
    /// Whether there is more to read already.
    has_more: bool,
    /// Whether to forget all tasks before applying the changes: what happened since the cursor is no longer known, and this
    /// is the first page of everything.
    reset: bool,
}

/// A task as it is after its last change, or that it is gone.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
#[serde(rename_all = "lowercase")]
pub(in crate::rest) enum ChangeBody {
    /// It was created or changed.
    Task(TaskBody),
    /// It is gone.
    Deleted(DeletedBody),
}

/// What is left of a deleted task.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletedTask)]
pub(in crate::rest) struct DeletedBody {
    /// The id it had.
    id: Uuid,
    /// One more than the version it had.
    #[schema(minimum = 1, example = 2)]
    version: i64,
    /// When it was deleted.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-11-21T12:34:16.509702Z")]
    deleted_at: DateTime<Utc>,
}

impl From<Changes> for ChangesBody {
    fn from(Changes { items, cursor, has_more, reset }: Changes) -> Self {
        let changes = items.into_iter().map(Into::into).collect();
        Self { changes, cursor: cursor.to_string(), has_more, reset }
    }
}

impl From<Change> for ChangeBody {
    fn from(change: Change) -> Self {
        match change {
            Change::Task(task) => Self::Task(task.into()),
            Change::Deleted(task) => {
                Self::Deleted(DeletedBody { id: task.id.as_uuid(), version: task.version, deleted_at: task.deleted_at })
            }
        }
    }
}

impl IntoResponse for ChangesBody {
    /// The same cursor is answered anew each time.
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(self)).into_response()
    }
}
