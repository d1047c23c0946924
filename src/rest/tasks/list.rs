//! The query parameters of a list, including those of the older backends.

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};
use utoipa::{
    IntoParams,
    openapi::{Array, ArrayBuilder, KnownFormat, Object, Schema, SchemaFormat, schema::AnyOfBuilder},
};

use crate::{
    rest::{
        error::RestError,
        openapi::schemas::{integer as integer_schema, one_of, schema, string},
        request::{
            extract::Prefer,
            fields::boolean,
            query::{MAX_WORDS, QueryString, integer},
        },
        settings::ListForm,
    },
    state::SharedState,
    task::{
        Cursor, Filter, Limit, ListKey, MAX_LIMIT, MAX_OFFSET, MAX_TAG, Offset, PageRequest, Priority, Search,
        SortColumn, Tag, TagsMatch, TaskSort, TaskStatus, Violation, parse_bound,
    },
};

/// The parameters that say where in the list a page starts.
const POSITIONS: [&str; 4] = ["cursor", "offset", "skip", "page"];

const STATUSES: [(&str, TaskStatus); 3] =
    [("all", TaskStatus::All), ("pending", TaskStatus::Pending), ("completed", TaskStatus::Completed)];

/// The last two are names of the older backends.
const SORTS: [(&str, SortColumn); 7] = [
    ("created", SortColumn::Created),
    ("updated", SortColumn::Updated),
    ("title", SortColumn::Title),
    ("priority", SortColumn::Priority),
    ("due_date", SortColumn::Due),
    ("created_at", SortColumn::Created),
    ("updated_at", SortColumn::Updated),
];

const TAGS_MATCHES: [(&str, MatchOf); 2] = [("any", MatchOf::Any), ("all", MatchOf::All)];

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

/// How many of the tags a task must have.
#[derive(Clone, Copy, Default, PartialEq)]
enum MatchOf {
    #[default]
    Any,
    All,
}

/// Priorities, separated by commas.
struct Priorities(Vec<Priority>);

/// Tags, separated by commas.
struct TagWords(Vec<Tag>);

/// A bound of due dates.
#[derive(Clone, Copy)]
struct Bound(DateTime<Utc>);

/// The offset of a numbered page.
#[derive(Clone, Copy)]
struct PageNumber(Offset);

/// A tag without a comma, control characters, and white space at its ends.
const TAG_WORD: &str = r"^[^\s,\x00-\x1f\x7f-\x9f]+$";

/// Values separated by commas.
fn words(word: Object) -> Array {
    ArrayBuilder::new().items(word).min_items(Some(1)).max_items(Some(MAX_WORDS)).build()
}

schema!(TaskStatus, one_of(STATUSES.map(|(word, _)| word.to_owned())));
schema!(SortKey, one_of(["", "-"].iter().flat_map(|sign| SORTS.map(|(word, _)| format!("{sign}{word}")))));
schema!(Order, one_of(ORDERS.map(|(word, _)| word.to_owned())));
schema!(MatchOf, one_of(TAGS_MATCHES.map(|(word, _)| word.to_owned())));
schema!(Priorities, words(one_of(Priority::WORDS.map(ToOwned::to_owned))));
schema!(TagWords, words(string().min_length(Some(1)).max_length(Some(MAX_TAG)).pattern(Some(TAG_WORD)).build()));
schema!(Bound, {
    let day = string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)));
    let instant = string().pattern(Some(
        r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$",
    ));
    Schema::AnyOf(AnyOfBuilder::new().item(day).item(instant).build())
});
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
    /// Only tasks with one of these priorities; `none` for tasks without one. May be repeated.
    #[param(inline, required = false, style = Form, explode = false)]
    priority: Option<Priorities>,
    /// Only tasks with one of these tags, in any case. May be repeated.
    #[param(inline, required = false, style = Form, explode = false)]
    tags: Option<TagWords>,
    /// Whether tasks must have one of the tags or all of them; `any` by default.
    #[param(inline, required = false)]
    tags_match: Option<MatchOf>,
    /// Only tasks that are due before this; a date means its beginning in UTC. A task that is due on a day is due at its end, one
    /// that is due at a time without a zone as if in UTC.
    #[param(inline, required = false)]
    due_before: Option<Bound>,
    /// Only tasks that are due at this or later.
    #[param(inline, required = false)]
    due_after: Option<Bound>,
    /// Only tasks that have a due date, or only those that have none.
    #[param(required = false)]
    has_due: Option<bool>,
    /// The sort key; `created` by default. A leading `-` means descending order. Tasks without a priority or a due date come last
    /// in either order.
    #[param(inline, required = false)]
    sort: Option<SortKey>,
    /// The sort order; by default `asc` for `title` and `due_date`, otherwise `desc`, which has the highest priority first. Takes precedence over a leading `-`.
    #[param(inline, required = false)]
    order: Option<Order>,
    /// Text that the title or description must contain, ignoring case.
    #[param(inline, required = false)]
    search: Option<Search>,
    /// The page size.
    #[param(inline, required = false)]
    limit: Option<Limit>,
    /// The cursor of the previous page, as in its `Link`. Valid only for the same list: sort, status, search and filters.
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
    /// Legacy: whether to wrap the list in an object with its total. By default as this server is set.
    #[param(required = false)]
    envelope: Option<bool>,
}

impl ListParams {
    fn read(query: &mut QueryString) -> Self {
        let status = query.read("status", |word| one_of_words(word, &STATUSES, &["all", "pending", "completed"]));
        let completed = query.read("completed", boolean);
        let search = query.read("search", |text| Search::parse(text.to_owned())).flatten();
        let priority =
            query.read_all("priority", |word| Priority::of_word(word).ok_or(Violation::NotOneOf(&Priority::WORDS)));
        let tags = query.read_all("tags", |word| Tag::try_from(word.to_owned()));
        let tags_match = query.read("tags_match", |word| one_of_words(word, &TAGS_MATCHES, &["any", "all"]));
        let due_before = query.read("due_before", parse_bound).map(Bound);
        let due_after = query.read("due_after", parse_bound).map(Bound);
        let has_due = query.read("has_due", boolean);
        let sort = query.read("sort", sort);
        let sort_by = query.read_unless(sort.is_some(), "sort_by", self::sort);
        let order = query.read("order", self::order);
        let sort_order = query.read_unless(order.is_some(), "sort_order", self::order);
        let limit = query.read("limit", |word| Limit::try_from(integer(word)?));
        let offset = query.read("offset", self::offset);
        let skip = query.read_unless(offset.is_some(), "skip", self::offset);
        let page =
            query.read_unless(offset.or(skip).is_some(), "page", |word| page_number(word, limit.unwrap_or_default()));
        let count = query.read("count", boolean);
        let envelope = query.read("envelope", boolean);
        let mut params = Self {
            status,
            completed,
            priority: priority.map(Priorities),
            tags: tags.map(TagWords),
            tags_match,
            due_before,
            due_after,
            has_due,
            sort,
            order,
            search,
            limit,
            cursor: None,
            sort_by,
            sort_order,
            offset,
            skip,
            page,
            count,
            envelope,
        };
        // Of which list the cursor must be is known only if the rest is valid.
        let list = query.is_valid().then(|| ListKey::of(params.sort(), &params.filter()));
        params.cursor =
            query.read("cursor", |text| list.map_or_else(|| text.parse(), |list| Cursor::parse(text, list)));
        if params.cursor.is_some() && (offset.or(skip).is_some() || page.is_some()) {
            query.fail("cursor", Violation::Custom("give a cursor or an offset, not both"));
        }
        params
    }

    fn filter(&self) -> Filter {
        let completed = if self.completed == Some(true) { TaskStatus::Completed } else { TaskStatus::Pending };
        let tags = self.tags.as_ref().map(|TagWords(tags)| match self.tags_match.unwrap_or_default() {
            MatchOf::Any => TagsMatch::any(tags.clone()),
            MatchOf::All => TagsMatch::all(tags.clone()),
        });
        Filter {
            status: self.status.or(self.completed.map(|_| completed)).unwrap_or_default(),
            search: self.search.clone(),
            priorities: self.priority.as_ref().map(|Priorities(words)| Filter::levels(words.iter().copied())),
            tags: tags.into_iter().collect(),
            due_before: self.due_before.map(|Bound(time)| time),
            due_after: self.due_after.map(|Bound(time)| time),
            has_due: self.has_due,
        }
    }

    fn sort(&self) -> TaskSort {
        task_sort(self.sort.or(self.sort_by), self.order.or(self.sort_order))
    }

    fn page(self) -> PageRequest {
        PageRequest {
            sort: self.sort(),
            limit: self.limit.unwrap_or_default(),
            after: self.cursor,
            with_total: self.count == Some(true),
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

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, RestError> {
        let mut query = QueryString::parse(parts.uri.query().unwrap_or_default());
        let params = ListParams::read(&mut query);
        let without_position = query.without(&POSITIONS);
        query.finish()?;
        let (filter, envelope) = (params.filter(), params.envelope);
        let has_envelope = envelope.unwrap_or(state.rest.lists == ListForm::Envelope);
        let (mut page, prefer) = (params.page(), Prefer::of(&parts.headers));
        page.with_total |= prefer.count || has_envelope;
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
    let column = one_of_words(name, &SORTS, &["created", "updated", "title", "priority", "due_date"])?;
    Ok(SortKey { column, is_negated })
}

fn order(word: &str) -> Result<Order, Violation> {
    one_of_words(word, &ORDERS, &["asc", "desc"])
}

/// By default newest and most urgent first, titles from A to Z, and what is due earliest first.
fn task_sort(sort: Option<SortKey>, order: Option<Order>) -> TaskSort {
    let SortKey { column, is_negated } = sort.unwrap_or_default();
    let is_default_descending = is_negated || !matches!(column, SortColumn::Title | SortColumn::Due);
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
