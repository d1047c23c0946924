//! The query of a list, in the words of the older backends.

use axum::{extract::FromRequestParts, http::request::Parts};
use utoipa::IntoParams;

use crate::{
    error::Error,
    rest::{
        error::RestError,
        openapi::schemas::{integer as integer_schema, one_of, schema},
        request::{
            extract::Prefer,
            fields::boolean,
            query::{QueryString, integer},
        },
    },
    state::SharedState,
    task::{
        Cursor, FieldError, Filter, Limit, MAX_LIMIT, MAX_OFFSET, Offset, PageRequest, Search, SortColumn, TaskSort,
        TaskStatus, Violation,
    },
};

/// The parameters that say where in the list a page starts.
const POSITIONS: [&str; 4] = ["cursor", "offset", "skip", "page"];

const STATUSES: [(&str, TaskStatus); 3] =
    [("all", TaskStatus::All), ("pending", TaskStatus::Pending), ("completed", TaskStatus::Completed)];

/// A sort key, and whether a `-` says that it is descending.
#[derive(Clone, Copy, Default)]
struct SortParam(SortColumn, bool);

const SORTS: [(&str, SortParam); 10] = [
    ("created", SortParam(SortColumn::Created, false)),
    ("updated", SortParam(SortColumn::Updated, false)),
    ("title", SortParam(SortColumn::Title, false)),
    ("created_at", SortParam(SortColumn::Created, false)),
    ("updated_at", SortParam(SortColumn::Updated, false)),
    ("-created", SortParam(SortColumn::Created, true)),
    ("-updated", SortParam(SortColumn::Updated, true)),
    ("-title", SortParam(SortColumn::Title, true)),
    ("-created_at", SortParam(SortColumn::Created, true)),
    ("-updated_at", SortParam(SortColumn::Updated, true)),
];

/// Whether the order is descending.
#[derive(Clone, Copy)]
struct OrderParam(bool);

const ORDERS: [(&str, OrderParam); 2] = [("asc", OrderParam(false)), ("desc", OrderParam(true))];

/// Where a numbered page starts.
#[derive(Clone, Copy)]
struct PageParam(Offset);

schema!(TaskStatus, one_of(STATUSES.map(|(word, _)| word)));
schema!(SortParam, one_of(SORTS.map(|(word, _)| word)));
schema!(OrderParam, one_of(ORDERS.map(|(word, _)| word)));
// The last page of the largest size.
schema!(PageParam, integer_schema(1, MAX_OFFSET / MAX_LIMIT + 1));

/// An empty parameter counts as omitted, except `cursor`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::rest) struct ListParams {
    /// Which tasks; all by default.
    #[param(inline, required = false)]
    status: Option<TaskStatus>,
    /// Legacy: the same as `status=completed` or `status=pending`. `status` takes precedence.
    #[param(required = false)]
    completed: Option<bool>,
    /// The sort key; `created` by default. A leading `-` means descending.
    #[param(inline, required = false)]
    sort: Option<SortParam>,
    /// The direction; by default `desc`, but `asc` for `title`. Takes precedence over a leading `-`.
    #[param(inline, required = false)]
    order: Option<OrderParam>,
    /// Text that the title or the description contains, ignoring case.
    #[param(inline, required = false)]
    search: Option<Search>,
    /// The page size.
    #[param(inline, required = false)]
    limit: Option<Limit>,
    /// The position after which the page starts, from the previous page's `Link`. Valid only for the same sort.
    #[param(value_type = Option<String>, required = false)]
    cursor: Option<Cursor>,
    /// Legacy: another name for `sort`, which takes precedence.
    #[param(inline, required = false)]
    sort_by: Option<SortParam>,
    /// Legacy: another name for `order`, which takes precedence.
    #[param(inline, required = false)]
    sort_order: Option<OrderParam>,
    /// Legacy: how many tasks to skip.
    #[param(inline, required = false)]
    offset: Option<Offset>,
    /// Legacy: another name for `offset`, which takes precedence.
    #[param(inline, required = false)]
    skip: Option<Offset>,
    /// Legacy: the page number, starting at 1. `offset` and `skip` take precedence. Smaller pages have higher maximums.
    #[param(inline, required = false)]
    page: Option<PageParam>,
    /// Whether `X-Total-Count` has the length of the whole list. Counting takes longer for longer lists.
    #[param(required = false)]
    count: Option<bool>,
    /// Legacy: wraps the list in an object with its total.
    #[param(required = false)]
    envelope: Option<bool>,
}

impl ListParams {
    /// Parameters that another one takes precedence over are not even read.
    fn read(query: &mut QueryString) -> Self {
        let status = query.read("status", |word| known(word, &STATUSES, &["all", "pending", "completed"]));
        let completed = query.read("completed", boolean);
        let search = query.read("search", |text| Search::parse(text.to_owned())).flatten();
        let sort = query.read("sort", sort);
        let sort_by = query.unless(sort.is_some(), "sort_by", self::sort);
        let order = query.read("order", self::order);
        let sort_order = query.unless(order.is_some(), "sort_order", self::order);
        let limit = query.read("limit", |word| Limit::try_from(integer(word)?));
        let offset = query.read("offset", skipped);
        let skip = query.unless(offset.is_some(), "skip", skipped);
        let page = query.unless(offset.or(skip).is_some(), "page", |word| page(word, limit.unwrap_or_default()));
        let cursor_sort = task_sort(sort.or(sort_by), order.or(sort_order));
        let cursor = query.read("cursor", |text| Cursor::parse(text, cursor_sort));
        let count = query.read("count", boolean);
        let envelope = query.read("envelope", boolean);
        if cursor.is_some() && (offset.or(skip).is_some() || page.is_some()) {
            query.reject("cursor", Violation::Combination("give a cursor or an offset, not both"));
        }
        Self {
            status,
            completed,
            sort,
            order,
            search,
            limit,
            cursor,
            sort_by,
            sort_order,
            offset,
            skip,
            page,
            count,
            envelope,
        }
    }

    fn filter(&self) -> Filter {
        let completed = if self.completed == Some(true) { TaskStatus::Completed } else { TaskStatus::Pending };
        let status = self.status.or(self.completed.map(|_| completed)).unwrap_or_default();
        Filter { status, search: self.search.clone() }
    }

    fn page(self) -> PageRequest {
        PageRequest {
            sort: task_sort(self.sort.or(self.sort_by), self.order.or(self.sort_order)),
            limit: self.limit.unwrap_or_default(),
            after: self.cursor,
            with_total: self.count == Some(true) || self.envelope == Some(true),
            offset: self.offset.or(self.skip).or(self.page.map(|PageParam(offset)| offset)).unwrap_or_default(),
            ..PageRequest::default()
        }
    }
}

/// What a list is asked for.
pub(in crate::rest) struct ListQuery {
    pub(in crate::rest) filter: Filter,
    pub(in crate::rest) page: PageRequest,
    /// Whether the list comes as `{"tasks": […], "total": n}`.
    pub(in crate::rest) has_envelope: bool,
    pub(in crate::rest) prefer: Prefer,
    /// The query without the page's position, for the link to the next page.
    pub(in crate::rest) without_position: String,
}

impl FromRequestParts<SharedState> for ListQuery {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, RestError> {
        let mut query = Self::parse(parts.uri.query().unwrap_or_default())
            .map_err(|errors| RestError::in_part("query", Error::from(errors)))?;
        query.prefer = Prefer::of(&parts.headers);
        query.page.with_total |= query.prefer.count;
        Ok(query)
    }
}

impl ListQuery {
    fn parse(query: &str) -> Result<Self, Vec<FieldError>> {
        let mut query = QueryString::parse(query);
        let params = ListParams::read(&mut query);
        let without_position = query.without(&POSITIONS);
        let errors = query.into_errors();
        if !errors.is_empty() {
            return Err(errors);
        }
        let (filter, has_envelope) = (params.filter(), params.envelope.unwrap_or_default());
        let prefer = Prefer::default();
        Ok(Self { filter, page: params.page(), has_envelope, prefer, without_position })
    }
}

/// The value of a word. The error names the words that are recommended.
fn known<T: Copy>(word: &str, words: &[(&str, T)], recommended: &'static [&'static str]) -> Result<T, Violation> {
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or(Violation::NotOneOf(recommended))
}

fn sort(word: &str) -> Result<SortParam, Violation> {
    known(word, &SORTS, &["created", "updated", "title"])
}

fn order(word: &str) -> Result<OrderParam, Violation> {
    known(word, &ORDERS, &["asc", "desc"])
}

/// Newest first, and titles from A to Z, unless the order or a `-` says otherwise.
fn task_sort(sort: Option<SortParam>, order: Option<OrderParam>) -> TaskSort {
    let SortParam(column, is_negated) = sort.unwrap_or_default();
    let OrderParam(descending) = order.unwrap_or(OrderParam(is_negated || column != SortColumn::Title));
    TaskSort { column, descending }
}

fn skipped(word: &str) -> Result<Offset, Violation> {
    Offset::try_from(integer(word)?)
}

/// Pages are counted from 1.
fn page(word: &str, limit: Limit) -> Result<PageParam, Violation> {
    let last = MAX_OFFSET / limit.get() + 1;
    match integer(word)? {
        ..1 => Err(Violation::TooSmall(1)),
        number if number > last => Err(Violation::TooLarge(last)),
        number => Offset::try_from((number - 1) * limit.get()).map(PageParam),
    }
}
