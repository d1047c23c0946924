//! Lists and single tasks as SQL: one range scan of the index that has the list's order.

use diesel::{
    dsl::{Filter as Filtered, IntoBoxed, count_star},
    pg::Pg,
    prelude::*,
    sql_types::{self, BigInt, Bool, Record, Text, Timestamptz},
};

use super::{
    owned::HasOwner,
    rows::{TaskRow, task_columns},
};
use crate::{
    store::sql::{
        owner::OwnedBy,
        schema::tasks,
        statement::{Read, Sql, Statement},
    },
    task::{Cursor, Filter, PageRequest, Search, SortColumn, SortKey, TaskId},
};

diesel::infix_operator!(RowAfter, " > ", Bool, backend: Pg);
diesel::infix_operator!(RowBefore, " < ", Bool, backend: Pg);
diesel::infix_operator!(AsciiIlike, " COLLATE \"C\" ILIKE ", Bool, backend: Pg);

type Owned<'a> = Filtered<tasks::table, OwnedBy<'a>>;
type Listing<'a> = IntoBoxed<'a, Owned<'a>, Pg>;

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

/// Restricts a boxed query to one status and what matches a search.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let filter: &Filter = $filter;
        let query = matching!($query, &filter.search);
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
        let query = owned_by(owner).into_boxed();
        let query = sorted(filtered!(query, filter), request).limit(request.limit.get() + 1);
        if request.offset.get() > 0 { query.offset(request.offset.get()) } else { query }
    }
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

/// How many tasks match, by status.
pub(super) struct Counts(pub(super) Option<Search>);

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
        matching!(query, &self.0)
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
    ($query:ident, $page:ident, $column:path, $key:ident: $sql_type:ty) => {{
        let mut query = $query;
        for (cursor, is_lower_bound) in bounds($page) {
            let SortKey::$key(key) = cursor.key() else { continue };
            let row = ($column, tasks::id).into_sql::<Record<($sql_type, sql_types::Uuid)>>();
            let bound = (key.clone(), cursor.id()).into_sql::<Record<($sql_type, sql_types::Uuid)>>();
            query = if is_lower_bound {
                query.filter(RowAfter::new(row, bound))
            } else {
                query.filter(RowBefore::new(row, bound))
            };
        }
        if $page.sort.descending == $page.from_end {
            query.order_by(($column.asc(), tasks::id.asc()))
        } else {
            query.order_by(($column.desc(), tasks::id.desc()))
        }
    }};
}

fn sorted<'a>(query: Listing<'a>, page: &PageRequest) -> Listing<'a> {
    match page.sort.column {
        SortColumn::Created => sorted_by!(query, page, tasks::created_at, Time: Timestamptz),
        SortColumn::Updated => sorted_by!(query, page, tasks::position, Position: BigInt),
        SortColumn::Title => sorted_by!(query, page, tasks::title, Title: Text),
    }
}

/// The page's cursors, and whether each is a lower bound of the keys.
fn bounds(page: &PageRequest) -> impl Iterator<Item = (&Cursor, bool)> {
    let after = page.after.as_ref().map(|cursor| (cursor, !page.sort.descending));
    let before = page.before.as_ref().map(|cursor| (cursor, page.sort.descending));
    after.into_iter().chain(before)
}

/// The LIKE pattern of a literal substring, with wildcards escaped.
fn contains(search: &Search) -> String {
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
