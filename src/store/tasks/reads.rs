//! Lists and single tasks as SQL: one range scan of the index that has the list's order. Lists that end with the tasks that
//! don't have what is sorted by have a second scan, of those.

use diesel::{
    QueryResult,
    dsl::{Filter as Filtered, IntoBoxed, Select, count_star},
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{self, Array, BigInt, Bool, Nullable, Record, SmallInt, Text, Timestamptz},
};

use super::{
    owned::HasOwner,
    rows::{COLUMNS, TaskColumns, TaskRow, TaskTypes, task_columns},
};
use crate::{
    store::sql::{
        owner::OwnedBy,
        schema::tasks,
        statement::{Read, Sql, SqlRow, Statement},
    },
    task::{Cursor, Filter, PageRequest, Search, SortColumn, SortKey, TagsMatch, TaskId},
};

diesel::infix_operator!(RowAfter, " > ", Bool, backend: Pg);
diesel::infix_operator!(RowBefore, " < ", Bool, backend: Pg);
diesel::infix_operator!(AsciiIlike, " COLLATE \"C\" ILIKE ", Bool, backend: Pg);
diesel::infix_operator!(HasAny, " && ", Bool, backend: Pg);
diesel::infix_operator!(HasAll, " @> ", Bool, backend: Pg);
// Literals, as in the partial indexes. diesel's own `sql` would have the statement prepared anew each time.
diesel::postfix_operator!(IsAboveZero, " > 0", Bool, backend: Pg);
diesel::postfix_operator!(IsZero, " = 0", Bool, backend: Pg);

type Owned<'a> = Filtered<tasks::table, OwnedBy<'a>>;
type Listing<'a> = IntoBoxed<'a, Select<Owned<'a>, TaskColumns>, Pg>;

/// Every query starts here: at the rows of one owner.
fn owned_by(owner: &str) -> Owned<'_> {
    tasks::table.filter(OwnedBy(owner))
}

/// Restricts a boxed query to what matches a search. It scans the user's tasks: under row-level security, ILIKE can't use a
/// trigram index, because it isn't leakproof. An ASCII search takes a third of the time in the collation "C", where only
/// ASCII letters have case and no text is converted first.
macro_rules! matching {
    ($query:expr, $search:expr) => {{
        let query = $query;
        match $search {
            Some(search) if search.as_str().is_ascii() => {
                let pattern = contains(search).into_sql::<Text>();
                let title = AsciiIlike::new(tasks::title.nullable(), pattern.clone());
                query.filter(title.or(AsciiIlike::new(tasks::description, pattern)))
            }
            Some(search) => {
                let pattern = contains(search);
                query.filter(tasks::title.nullable().ilike(pattern.clone()).or(tasks::description.ilike(pattern)))
            }
            None => query,
        }
    }};
}

/// Restricts a boxed query to what a filter selects, whatever the status.
macro_rules! selected {
    ($query:expr, $filter:expr) => {{
        let filter: &Filter = $filter;
        let mut query = matching!($query, &filter.search);
        if let Some(levels) = &filter.priorities {
            query = query.filter(tasks::priority.eq_any(levels.clone()));
        }
        for tags in &filter.tags {
            query = match tags {
                TagsMatch::Any(keys) => {
                    query.filter(HasAny::new(tasks::tag_keys, keys.clone().into_sql::<Array<Text>>()))
                }
                TagsMatch::All(keys) => {
                    query.filter(HasAll::new(tasks::tag_keys, keys.clone().into_sql::<Array<Text>>()))
                }
            };
        }
        if let Some(time) = filter.due_before {
            query = query.filter(tasks::due_at.lt(time));
        }
        if let Some(time) = filter.due_after {
            query = query.filter(tasks::due_at.ge(time));
        }
        match filter.has_due {
            Some(true) => query.filter(tasks::due_at.is_not_null()),
            Some(false) => query.filter(tasks::due_at.is_null()),
            None => query,
        }
    }};
}

/// Restricts a boxed query to what a filter selects.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let filter: &Filter = $filter;
        let query = selected!($query, filter);
        match filter.status.completed() {
            Some(completed) => query.filter(tasks::completed.eq(completed)),
            None => query,
        }
    }};
}

/// A page of a list, and one task more than the limit, which tells whether there are more. In reverse order if the page is
/// the last one.
pub(super) struct List {
    pub(super) filter: Filter,
    pub(super) request: PageRequest,
}

impl Read for List {
    const NAME: &'static str = "list";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        let Self { filter, request } = self;
        let (limit, offset) = (request.limit.get() + 1, request.offset.get());
        let scans = sorted(|| filtered!(owned_by(owner).select(COLUMNS).into_boxed(), filter), filter, request);
        // Each of two parts may have what is skipped and the whole page.
        let each = if scans.len() > 1 { limit + offset } else { limit };
        let scans = scans.into_iter().map(|scan| scan.limit(each)).collect();
        Parts { scans, limit, offset }
    }
}

/// The parts of a list, one after the other. PostgreSQL reads the second one only if the first doesn't fill the page.
struct Parts<'a> {
    scans: Vec<Listing<'a>>,
    limit: i64,
    offset: i64,
}

impl Query for Parts<'_> {
    type SqlType = TaskTypes;
}

impl QueryFragment<Pg> for Parts<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let [only] = self.scans.as_slice() {
            QueryFragment::<Pg>::walk_ast(only, out.reborrow())?;
        } else {
            for (index, part) in self.scans.iter().enumerate() {
                out.push_sql(if index == 0 { "(" } else { " UNION ALL (" });
                QueryFragment::<Pg>::walk_ast(part, out.reborrow())?;
                out.push_sql(")");
            }
            out.push_sql(" LIMIT ");
            out.push_bind_param::<BigInt, _>(&self.limit)?;
        }
        if self.offset > 0 {
            out.push_sql(" OFFSET ");
            out.push_bind_param::<BigInt, _>(&self.offset)?;
        }
        Ok(())
    }
}

/// Identified by its SQL.
impl QueryId for Parts<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// How many tasks a whole list has.
pub(super) struct Total(pub(super) Filter);

impl Read for Total {
    const NAME: &'static str = "total";
    type Row = i64;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<i64> + 'a {
        let query = owned_by(owner).select(count_star()).into_boxed();
        filtered!(query, &self.0)
    }
}

/// How many tasks match, by status: the filter's doesn't count.
pub(super) struct Counts(pub(super) Filter);

/// How many tasks of one status match.
#[derive(Queryable)]
pub(super) struct StatusCount {
    pub(super) completed: bool,
    pub(super) count: i64,
}

impl HasOwner for StatusCount {}

impl Read for Counts {
    const NAME: &'static str = "counts";
    type Row = StatusCount;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<StatusCount> + 'a {
        let query = owned_by(owner).group_by(tasks::completed).select((tasks::completed, count_star())).into_boxed();
        selected!(query, &self.0)
    }
}

/// The tags that most tasks have, up to this number.
pub(super) struct ReadTags(pub(super) i64);

/// A tag, and how many tasks have it.
#[derive(Queryable)]
pub(super) struct TagRow {
    pub(super) name: String,
    pub(super) pending: i64,
    pub(super) total: i64,
}

impl HasOwner for TagRow {}

impl SqlRow for TagRow {
    type Columns = (Text, BigInt, BigInt);
}

impl Read for ReadTags {
    const NAME: &'static str = "tags";
    type Row = TagRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TagRow> + 'a {
        let sql = "SELECT min(tag.name COLLATE \"C\"), count(*) FILTER (WHERE NOT completed), count(*)
                   FROM tasks CROSS JOIN LATERAL unnest(tags, tag_keys) AS tag (name, key)
                   WHERE user_id = $1 AND current_user = 'tandem_api' AND tag_keys IS NOT NULL
                   GROUP BY tag.key ORDER BY count(*) DESC, tag.key COLLATE \"C\" LIMIT $2";
        Sql::<TagRow>::returning(sql).bind::<Text, _>(owner).bind::<BigInt, _>(self.0)
    }
}

/// One task.
pub(super) struct Find(pub(super) TaskId);

impl Find {
    const SQL: &str = concat!(
        "SELECT ",
        task_columns!(),
        " FROM tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND id = $2"
    );
}

impl Read for Find {
    const NAME: &'static str = "find";
    type Row = TaskRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TaskRow> + 'a {
        Sql::<TaskRow>::returning(Self::SQL).bind::<Text, _>(owner).bind::<sql_types::Uuid, _>(self.0.as_uuid())
    }
}

/// Bounds and order on one sort column. A comparison of rows, `(column, id) > (key, id)`, is one range of the index.
macro_rules! sorted_by {
    ($query:expr, $page:ident, $column:path, $key:pat => $value:expr, $sql_type:ty) => {{
        let mut query = $query;
        for (cursor, is_lower_bound) in bounds($page) {
            let $key = cursor.key() else { continue };
            let row = ($column, tasks::id).into_sql::<Record<($sql_type, sql_types::Uuid)>>();
            let bound = ($value, cursor.id()).into_sql::<Record<($sql_type, sql_types::Uuid)>>();
            query = if is_lower_bound {
                query.filter(RowAfter::new(row, bound))
            } else {
                query.filter(RowBefore::new(row, bound))
            };
        }
        if is_ascending($page) {
            query.order_by(($column.asc(), tasks::id.asc()))
        } else {
            query.order_by(($column.desc(), tasks::id.desc()))
        }
    }};
}

/// The parts of the page, each from a new query of the list. The conditions of those with a sort key are as in the partial indexes.
fn sorted<'a>(query: impl Fn() -> Listing<'a>, filter: &Filter, page: &PageRequest) -> Vec<Listing<'a>> {
    let [has_with, has_without] = parts(filter, page);
    let (with, without) = match page.sort.column {
        SortColumn::Created => {
            return vec![sorted_by!(query(), page, tasks::created_at, SortKey::Time(key) => *key, Timestamptz)];
        }
        SortColumn::Updated => {
            return vec![sorted_by!(query(), page, tasks::position, SortKey::Position(key) => *key, BigInt)];
        }
        SortColumn::Title => {
            return vec![sorted_by!(query(), page, tasks::title, SortKey::Title(key) => key.clone(), Text)];
        }
        SortColumn::Priority => {
            let with = query().filter(IsAboveZero::new(tasks::priority));
            let with = sorted_by!(with, page, tasks::priority, SortKey::Priority(Some(key)) => *key, SmallInt);
            (with, query().filter(IsZero::new(tasks::priority)))
        }
        SortColumn::Due => {
            let with = query().filter(tasks::due_at.is_not_null());
            let with = sorted_by!(with, page, tasks::due_at, SortKey::Due(Some(key)) => *key, Nullable<Timestamptz>);
            (with, query().filter(tasks::due_at.is_null()))
        }
    };
    if !has_with && !has_without {
        return vec![with.filter(false.into_sql::<Bool>())];
    }
    let mut parts = Vec::with_capacity(2);
    parts.extend(has_with.then_some(with));
    parts.extend(has_without.then(|| sorted_by_id(without, page)));
    if page.from_end {
        parts.reverse();
    }
    parts
}

/// Bounds and order of the tasks that come last, because they don't have what the list is sorted by.
fn sorted_by_id<'a>(mut query: Listing<'a>, page: &PageRequest) -> Listing<'a> {
    for (cursor, is_lower_bound) in bounds(page).filter(|(cursor, _)| cursor.key().is_none()) {
        query = if is_lower_bound {
            query.filter(tasks::id.gt(cursor.id()))
        } else {
            query.filter(tasks::id.lt(cursor.id()))
        };
    }
    if is_ascending(page) { query.order_by(tasks::id.asc()) } else { query.order_by(tasks::id.desc()) }
}

/// Whether the page may have tasks with what the list is sorted by, and without. A scan for tasks that the filter excludes would
/// read all tasks of the user in vain.
fn parts(filter: &Filter, page: &PageRequest) -> [bool; 2] {
    let is_none = |cursor: &Option<Cursor>| cursor.as_ref().map(|cursor| cursor.key().is_none());
    let [with, without] = match (page.sort.column, &filter.priorities) {
        (SortColumn::Priority, Some(levels)) => [levels.iter().any(|level| *level > 0), levels.contains(&0)],
        (SortColumn::Due, _) => {
            let has_bounds = filter.due_before.is_some() || filter.due_after.is_some();
            [filter.has_due != Some(false), filter.has_due != Some(true) && !has_bounds]
        }
        _ => [true, true],
    };
    [with && is_none(&page.after) != Some(true), without && is_none(&page.before) != Some(false)]
}

fn is_ascending(page: &PageRequest) -> bool {
    page.sort.descending == page.from_end
}

/// The page's cursors, and whether each is a lower bound of the keys.
fn bounds(page: &PageRequest) -> impl Iterator<Item = (&Cursor, bool)> {
    let after = page.after.as_ref().map(|cursor| (cursor, !page.sort.descending));
    let before = page.before.as_ref().map(|cursor| (cursor, page.sort.descending));
    after.into_iter().chain(before)
}

/// The LIKE pattern of a literal substring, with wildcards escaped.
pub(super) fn contains(search: &Search) -> String {
    let mut pattern = String::with_capacity(search.as_str().len() + 2);
    pattern.push('%');
    for c in search.as_str().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
