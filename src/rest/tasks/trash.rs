//! The trash: the query parameters of its list, and what is sent.

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
    response::{AppendHeaders, IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    IntoParams, ToSchema,
    openapi::{Array, ArrayBuilder},
};

use super::task::{TaskBody, timestamp};
use crate::{
    http::request::Json,
    rest::{
        error::RestError,
        openapi::schemas,
        request::{
            extract::Prefer,
            fields::{Fields, FromFields, boolean},
            query::{QueryString, integer},
        },
        responses::{next_link, page_headers},
        settings::RestSettings,
    },
    state::SharedState,
    task::{Cursor, Limit, MAX_BULK, Search, TaskId, TrashPage, TrashRequest, TrashedTask},
};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what TrashQuery reads")]
pub(crate) struct TrashParams {
    /// Text that the title or description must contain, ignoring case.
    #[param(inline, required = false)]
    search: Option<Search>,
    /// The page size.
    #[param(inline, required = false)]
    limit: Option<Limit>,
    /// The cursor of the previous page, as in its `Link`. Valid only for the same search.
    #[param(value_type = Option<String>, required = false)]
    cursor: Option<Cursor>,
    /// Whether to return the number of all tasks in the trash that match as `X-Total-Count`.
    #[param(required = false)]
    count: Option<bool>,
}

/// The requested page of the trash.
pub(crate) struct TrashQuery {
    pub(crate) request: TrashRequest,
    prefer: Prefer,
    /// The query string without the page's position, for the link to the next page.
    without_position: String,
}

impl FromRequestParts<SharedState> for TrashQuery {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, RestError> {
        let mut query = QueryString::parse(parts.uri.query().unwrap_or_default());
        let prefer = Prefer::of(&parts.headers);
        let mut request = TrashRequest {
            search: query.read("search", |text| Search::parse(text.to_owned())).flatten(),
            limit: query.read("limit", |word| Limit::try_from(integer(word)?)).unwrap_or_default(),
            after: None,
            with_total: prefer.count | query.read("count", boolean).unwrap_or_default(),
        };
        // Of which list the cursor must be is known only if the rest is valid.
        let key = query.is_valid().then(|| request.key());
        request.after = query.read("cursor", |text| key.map_or_else(|| text.parse(), |key| Cursor::parse(text, key)));
        let without_position = query.without(&["cursor"]);
        query.finish()?;
        Ok(Self { request, prefer, without_position })
    }
}

/// A deleted task that can be restored: what it was, with the version of its deletion.
#[derive(Serialize, ToSchema)]
#[schema(as = TrashedTask)]
pub(crate) struct TrashedBody {
    #[serde(flatten)]
    task: TaskBody,
    /// When the task was deleted.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-11-21T12:34:16.509702Z")]
    deleted_at: DateTime<Utc>,
    /// When it will be removed for good.
    #[serde(serialize_with = "timestamp")]
    #[schema(value_type = String, format = DateTime, example = "2026-12-21T12:34:16.509702Z")]
    purge_at: DateTime<Utc>,
}

impl TrashedBody {
    fn new(TrashedTask { task, deleted_at, purge_at }: TrashedTask, rest: RestSettings) -> Self {
        Self { task: TaskBody::new(task, rest), deleted_at, purge_at }
    }
}

/// A page of the trash.
pub(crate) struct TrashList {
    tasks: Vec<TrashedBody>,
    total: Option<i64>,
    prefer: Prefer,
    next: Option<String>,
}

impl TrashList {
    /// `collection` is the request's URI: links repeat the prefix that the client used.
    pub(crate) fn new(page: TrashPage, collection: &Uri, query: &TrashQuery, rest: RestSettings) -> Self {
        let last = if page.has_next { page.tasks.last() } else { None };
        let cursor = last.map(|trashed| Cursor::of(&trashed.task, query.request.key()));
        Self {
            next: cursor.map(|cursor| next_link(collection, &query.without_position, &cursor)),
            total: page.total,
            prefer: query.prefer,
            tasks: page.tasks.into_iter().map(|trashed| TrashedBody::new(trashed, rest)).collect(),
        }
    }
}

impl IntoResponse for TrashList {
    fn into_response(self) -> Response {
        let headers = page_headers(self.total, self.prefer, self.next);
        (AppendHeaders(headers), Json(self.tasks)).into_response()
    }
}

/// Tasks to take out of the trash.
#[derive(ToSchema)]
#[schema(example = json!({ "ids": ["01a1fe19-a73c-72af-a397-b7572654bf7a"] }))]
pub(crate) struct RestoreTasks {
    /// The ids of the tasks. Duplicate ids count once.
    #[schema(schema_with = id_list)]
    pub(crate) ids: Vec<TaskId>,
}

fn id_list() -> Array {
    ArrayBuilder::new().items(schemas::uuid()).max_items(Some(MAX_BULK)).build()
}

impl FromFields for RestoreTasks {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        if !fields.has("ids") {
            fields.required::<Vec<Value>>("ids")?;
        }
        fields.list("ids").map(|ids| Self { ids })
    }
}

/// How many tasks were removed from the trash.
#[derive(Serialize, ToSchema)]
#[schema(as = EmptiedTrash)]
pub(crate) struct EmptiedBody {
    /// The number of tasks.
    #[schema(minimum = 0, example = 3)]
    pub(crate) count: u64,
}
