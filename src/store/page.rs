//! Lists and pages as SQL: one range scan of the index that has the list's order.

use diesel::{
    dsl::{AsSelect, CountStar, Eq, Filter as Filtered, GroupBy, IntoBoxed, Select, count_star},
    pg::Pg,
    prelude::*,
    sql_types::{Binary, Bool, Jsonb, Nullable, Record, Text, Timestamptz, Uuid},
};

use super::{
    claim::Claim,
    rows::TaskRow,
    schema::{idempotency_keys, tasks},
};
use crate::task::{Cursor, Filter, PageRequest, Search, SortColumn, SortKey};

diesel::infix_operator!(RowAfter, " > ", Bool, backend: Pg);
diesel::infix_operator!(RowBefore, " < ", Bool, backend: Pg);

pub(super) type Owned<'a> = Filtered<tasks::table, Eq<tasks::user_id, &'a str>>;
type Listing<'a> = IntoBoxed<'a, Select<Owned<'a>, AsSelect<TaskRow, Pg>>, Pg>;
type Done<'a> = idempotency_keys::BoxedQuery<'a, Pg, (Binary, Nullable<Jsonb>)>;
type Counting<'a> = IntoBoxed<'a, Select<GroupBy<Owned<'a>, tasks::completed>, (tasks::completed, CountStar)>, Pg>;

/// Every query starts here: at the rows of one owner.
pub(super) fn owned_by(owner: &str) -> Owned<'_> {
    tasks::table.filter(tasks::user_id.eq(owner))
}

/// One more task than the limit, to tell whether the list goes on; in reverse when counted from the end.
pub(super) fn page<'a>(owner: &'a str, filter: &Filter, page: &PageRequest) -> Listing<'a> {
    let mut query = owned_by(owner).select(TaskRow::as_select()).into_boxed();
    if let Some(completed) = filter.status.completed() {
        query = query.filter(tasks::completed.eq(completed));
    }
    if let Some(search) = &filter.search {
        let pattern = contains(search);
        query = query.filter(tasks::title.nullable().ilike(pattern.clone()).or(tasks::description.ilike(pattern)));
    }
    let query = sorted(query, page).limit(page.limit.get() + 1);
    if page.offset.get() > 0 { query.offset(page.offset.get()) } else { query }
}

/// Bounds and order on one sort column: a comparison of rows, `(column, id) > (key, id)`, is what the index can answer.
macro_rules! sorted_by {
    ($query:ident, $page:ident, $column:path, $key:ident: $sql_type:ty) => {{
        let mut query = $query;
        for (cursor, is_lower_bound) in bounds($page) {
            let SortKey::$key(key) = cursor.key() else { continue };
            let place = ($column, tasks::id).into_sql::<Record<($sql_type, Uuid)>>();
            let bound = (key.clone(), cursor.id()).into_sql::<Record<($sql_type, Uuid)>>();
            query = if is_lower_bound {
                query.filter(RowAfter::new(place, bound))
            } else {
                query.filter(RowBefore::new(place, bound))
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
        SortColumn::Updated => sorted_by!(query, page, tasks::updated_at, Time: Timestamptz),
        SortColumn::Title => sorted_by!(query, page, tasks::title, Title: Text),
    }
}

/// The page's cursors, each with whether the list's keys are larger than it.
fn bounds(page: &PageRequest) -> impl Iterator<Item = (&Cursor, bool)> {
    let after = page.after.as_ref().map(|cursor| (cursor, !page.sort.descending));
    let before = page.before.as_ref().map(|cursor| (cursor, page.sort.descending));
    after.into_iter().chain(before)
}

/// How many tasks match, by whether they are done.
pub(super) fn counts<'a>(owner: &'a str, search: Option<&Search>) -> Counting<'a> {
    let mut query = owned_by(owner).group_by(tasks::completed).select((tasks::completed, count_star())).into_boxed();
    if let Some(search) = search {
        let pattern = contains(search);
        query = query.filter(tasks::title.nullable().ilike(pattern.clone()).or(tasks::description.ilike(pattern)));
    }
    query
}

/// What was done under a key.
pub(super) fn done_under<'a>(owner: &'a str, claim: &'a Claim) -> Done<'a> {
    let of_owner = idempotency_keys::table.filter(idempotency_keys::user_id.eq(owner));
    let query = of_owner.filter(idempotency_keys::key.eq(&*claim.key)).filter(idempotency_keys::part.eq(claim.part));
    query.select((idempotency_keys::fingerprint, idempotency_keys::outcome)).into_boxed()
}

/// The pattern for a literal substring: what LIKE would read as a wildcard is escaped.
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
