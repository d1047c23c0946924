//! The query parameters of a list, including those of the older backends.

use axum::{extract::FromRequestParts, http::request::Parts};
use utoipa::IntoParams;

use crate::{
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
        Cursor, Filter, Limit, MAX_LIMIT, MAX_OFFSET, Offset, PageRequest, Search, SortColumn, TaskSort, TaskStatus,
        Violation,
    },
};

/// The parameters that say where in the list a page starts.
const POSITIONS: [&str; 4] = ["cursor", "offset", "skip", "page"];

const STATUSES: [(&str, TaskStatus); 3] =
    [("all", TaskStatus::All), ("pending", TaskStatus::Pending), ("completed", TaskStatus::Completed)];

/// The last two are names of the older backends.
const SORTS: [(&str, SortColumn); 5] = [
    ("created", SortColumn::Created),
    ("updated", SortColumn::Updated),
    ("title", SortColumn::Title),
    ("created_at", SortColumn::Created),
    ("updated_at", SortColumn::Updated),
];

const ORDERS: [(&str, Order); 2] = [("asc", Order::Ascending), ("desc", Order::Descending)];

/// A sort key, and whether it has a leading `-`.
#[derive(Clone, Copy, Default)]
struct SortKey {
    column: SortColumn,
    is_negated: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Ascending,
    Descending,
}

/// The offset of a numbered page.
#[derive(Clone, Copy)]
struct PageNumber(Offset);

schema!(TaskStatus, one_of(STATUSES.map(|(word, _)| word.to_owned())));
schema!(SortKey, one_of(["", "-"].iter().flat_map(|sign| SORTS.map(|(word, _)| format!("{sign}{word}")))));
schema!(Order, one_of(ORDERS.map(|(word, _)| word.to_owned())));
// The maximum holds for the largest pages.
schema!(PageNumber, integer_schema(1, MAX_OFFSET / MAX_LIMIT + 1));

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Which tasks to return; all by default.
    #[param(inline, required = false)]
    status: Option<TaskStatus>,
    /// Legacy: the same as `status=completed` or `status=pending`. `status` takes precedence.
    #[param(required = false)]
    completed: Option<bool>,
    /// The sort key; `created` by default. A leading `-` means descending order.
    #[param(inline, required = false)]
    sort: Option<SortKey>,
    /// The sort order; by default `asc` for `title`, otherwise `desc`. Takes precedence over a leading `-`.
    #[param(inline, required = false)]
    order: Option<Order>,
    /// Text that the title or description must contain, ignoring case.
    #[param(inline, required = false)]
    search: Option<Search>,
    /// The page size.
    #[param(inline, required = false)]
    limit: Option<Limit>,
    /// The cursor of the previous page, as in its `Link`. Valid only for the same sort key and order.
    #[param(value_type = Option<String>, required = false)]
    cursor: Option<Cursor>,
    /// Legacy: another name for `sort`, which takes precedence.
    #[param(inline, required = false)]
    sort_by: Option<SortKey>,
    /// Legacy: another name for `order`, which takes precedence.
    #[param(inline, required = false)]
    sort_order: Option<Order>,
    /// Legacy: how many tasks to skip.
    #[param(inline, required = false)]
    offset: Option<Offset>,
    /// Legacy: another name for `offset`, which takes precedence.
    #[param(inline, required = false)]
    skip: Option<Offset>,
    /// Legacy: the page number, starting at 1. `offset` and `skip` take precedence. The maximum is higher for a smaller
    /// `limit`.
    #[param(inline, required = false)]
    page: Option<PageNumber>,
    /// Whether to return the number of tasks in the whole list as `X-Total-Count`. Counting takes longer for longer lists.
    #[param(required = false)]
    count: Option<bool>,
    /// Legacy: whether to wrap the list in an object with its total.
    #[param(required = false)]
    envelope: Option<bool>,
}

impl ListParams {
    fn read(query: &mut QueryString) -> Self {
        let status = query.read("status", |word| one_of_words(word, &STATUSES, &["all", "pending", "completed"]));
        let completed = query.read("completed", boolean);
        let search = query.read("search", |text| Search::parse(text.to_owned())).flatten();
        let sort = query.read("sort", sort);
        let sort_by = query.read_unless(sort.is_some(), "sort_by", self::sort);
        let order = query.read("order", self::order);
        let sort_order = query.read_unless(order.is_some(), "sort_order", self::order);
        let limit = query.read("limit", |word| Limit::try_from(integer(word)?));
        let offset = query.read("offset", self::offset);
        let skip = query.read_unless(offset.is_some(), "skip", self::offset);
        let page =
            query.read_unless(offset.or(skip).is_some(), "page", |word| page_number(word, limit.unwrap_or_default()));
        let cursor_sort = task_sort(sort.or(sort_by), order.or(sort_order));
        let cursor = query.read("cursor", |text| Cursor::parse(text, cursor_sort));
        let count = query.read("count", boolean);
        let envelope = query.read("envelope", boolean);
        if cursor.is_some() && (offset.or(skip).is_some() || page.is_some()) {
            query.fail("cursor", Violation::Custom("give a cursor or an offset, not both"));
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
            offset: self.offset.or(self.skip).or(self.page.map(|PageNumber(offset)| offset)).unwrap_or_default(),
            ..PageRequest::default()
        }
    }
}

/// The requested page of a list.
pub(crate) struct ListQuery {
    pub(crate) filter: Filter,
    pub(crate) page: PageRequest,
    /// Whether the response is `{"tasks": […], "total": n}`.
    pub(crate) has_envelope: bool,
    pub(crate) prefer: Prefer,
    /// The query string without the page's position, for the link to the next page.
    pub(crate) without_position: String,
}

impl FromRequestParts<SharedState> for ListQuery {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedState) -> Result<Self, RestError> {
        let mut query = QueryString::parse(parts.uri.query().unwrap_or_default());
        let params = ListParams::read(&mut query);
        let without_position = query.without(&POSITIONS);
        query.finish()?;
        let (filter, has_envelope) = (params.filter(), params.envelope == Some(true));
        let (mut page, prefer) = (params.page(), Prefer::of(&parts.headers));
        page.with_total |= prefer.count;
        Ok(Self { filter, page, has_envelope, prefer, without_position })
    }
}

/// Finds the value of a word. The error lists only the words that are recommended.
fn one_of_words<T: Copy>(
    word: &str,
    words: &[(&str, T)],
    recommended: &'static [&'static str],
) -> Result<T, Violation> {
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or(Violation::NotOneOf(recommended))
}

fn sort(word: &str) -> Result<SortKey, Violation> {
    let (name, is_negated) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
    let column = one_of_words(name, &SORTS, &["created", "updated", "title"])?;
    Ok(SortKey { column, is_negated })
}

fn order(word: &str) -> Result<Order, Violation> {
    one_of_words(word, &ORDERS, &["asc", "desc"])
}

/// By default newest first, and titles from A to Z.
fn task_sort(sort: Option<SortKey>, order: Option<Order>) -> TaskSort {
    let SortKey { column, is_negated } = sort.unwrap_or_default();
    let is_default_descending = is_negated || column != SortColumn::Title;
    TaskSort { column, descending: order.map_or(is_default_descending, |order| order == Order::Descending) }
}

fn offset(word: &str) -> Result<Offset, Violation> {
    Offset::try_from(integer(word)?)
}

/// Pages are numbered from 1.
fn page_number(word: &str, limit: Limit) -> Result<PageNumber, Violation> {
    let last = MAX_OFFSET / limit.get() + 1;
    match integer(word)? {
        ..1 => Err(Violation::TooSmall(1)),
        number if number > last => Err(Violation::TooLarge(last)),
        number => Offset::try_from((number - 1) * limit.get()).map(PageNumber),
    }
}
