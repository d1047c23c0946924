//! The change feed: its parameters and its pages.

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

use super::task::{TaskBody, timestamp};
use crate::{
    http::request::Accept,
    rest::{
        error::RestError,
        request::query::{QueryString, integer},
        settings::RestSettings,
    },
    state::SharedState,
    task::{Change, Changes, FieldError, Limit, Since},
};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what ChangesQuery reads")]
pub(crate) struct ChangesParams {
    /// The `cursor` of the previous page, or `latest` to receive only future changes. If omitted, the feed starts with all
    /// tasks.
    #[param(required = false)]
    cursor: Option<String>,
    /// The page size.
    #[param(inline, required = false)]
    limit: Option<Limit>,
}

/// The requested page of the feed.
pub(crate) struct ChangesQuery {
    pub(crate) since: Since,
    pub(crate) limit: Limit,
}

impl FromRequestParts<SharedState> for ChangesQuery {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, RestError> {
        let mut query = QueryString::parse(parts.uri.query().unwrap_or_default());
        let resumed = last_event_id(parts)?;
        let cursor = query.read_unless(resumed.is_some(), "cursor", str::parse);
        let since = resumed.or(cursor).unwrap_or_default();
        let limit = query.read("limit", |word| Limit::try_from(integer(word)?)).unwrap_or_default();
        query.finish()?;
        Ok(Self { since, limit })
    }
}

/// Where a stream that broke off resumes. `Last-Event-ID` takes precedence over `cursor`, which stays in the URL of an
/// `EventSource`.
fn last_event_id(parts: &Parts) -> Result<Option<Since>, RestError> {
    let header = parts.headers.get("last-event-id").filter(|id| !id.is_empty());
    let Some(id) = header.filter(|_| Accept::of(&parts.headers).names_events()) else { return Ok(None) };
    let id = String::from_utf8_lossy(id.as_bytes()).into_owned();
    let since = id.parse().map_err(|violation| FieldError::new("last-event-id", violation).with_input(id));
    since.map(Some).map_err(|error| RestError::in_part("header", error))
}

/// A page of the change feed. To keep a replica of the user's tasks, apply the changes in order, by id. When `has_more` is
/// false, the replica is up to date.
#[derive(Serialize, ToSchema)]
#[schema(as = Changes)]
pub(crate) struct ChangesBody {
    /// The changes, at most one for each task.
    changes: Vec<ChangeBody>,
    /// The `cursor` of the next request. Opaque.
    cursor: String,
    /// Whether the next page can be requested immediately.
    has_more: bool,
    /// Whether to discard the replica before applying the changes: the cursor is no longer usable, and this is the first page
    /// of all tasks.
    reset: bool,
}

/// The latest state of a task.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChangeBody {
    /// The task was created or changed.
    Task(TaskBody),
    /// The task was deleted.
    Deleted(DeletedBody),
}

/// A deleted task.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletedTask)]
pub(crate) struct DeletedBody {
    /// The task's id.
    id: Uuid,
    /// The task's last version plus 1.
    #[schema(minimum = 1, example = 2)]
    version: i64,
    /// When the task was deleted.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-11-21T12:34:16.509702Z")]
    deleted_at: DateTime<Utc>,
}

impl ChangesBody {
    pub(crate) fn new(Changes { items, cursor, has_more, reset }: Changes, rest: RestSettings) -> Self {
        let changes = items.into_iter().map(|change| ChangeBody::new(change, rest)).collect();
        Self { changes, cursor: cursor.to_string(), has_more, reset }
    }
}

impl ChangeBody {
    pub(crate) fn new(change: Change, rest: RestSettings) -> Self {
        match change {
            Change::Task(task) => Self::Task(TaskBody::new(task, rest)),
            Change::Deleted(task) => {
                Self::Deleted(DeletedBody { id: task.id.as_uuid(), version: task.version, deleted_at: task.deleted_at })
            }
        }
    }
}

impl IntoResponse for ChangesBody {
    /// Not cacheable: the same cursor gives a different response once something has changed.
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(self)).into_response()
    }
}
