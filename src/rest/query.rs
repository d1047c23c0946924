//! The query of a list, in the words of the older backends.

use std::{
    borrow::Cow,
    num::{IntErrorKind, ParseIntError},
};

use axum::{extract::FromRequestParts, http::request::Parts};
use url::form_urlencoded;

use super::error::RestError;
use crate::{
    error::Error,
    state::AppState,
    task::{
        Cursor, FieldError, Filter, Limit, MAX_OFFSET, Offset, PageRequest, Search, SortColumn, TaskSort, TaskStatus,
        Violation,
    },
};

/// The parameters that say where in a list a page starts.
const PLACES: [&str; 4] = ["cursor", "offset", "skip", "page"];

/// What a list is asked for.
pub(super) struct ListQuery {
    pub(super) filter: Filter,
    pub(super) page: PageRequest,
    /// Whether the list comes as `{"tasks": […], "total": n}`.
    pub(super) has_envelope: bool,
    /// Every parameter but the place in the list, for the link to the next page.
    pub(super) without_cursor: String,
}

impl FromRequestParts<AppState> for ListQuery {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, RestError> {
        Self::parse(parts.uri.query().unwrap_or_default())
            .map_err(|faults| RestError::in_part("query", Error::from(faults)))
    }
}

impl ListQuery {
    fn parse(query: &str) -> Result<Self, Vec<FieldError>> {
        let mut params = Params { pairs: form_urlencoded::parse(query.as_bytes()).collect(), faults: Vec::new() };
        let status = params.read("status", status);
        let completed = params
            .read("completed", boolean)
            .map(|completed| if completed { TaskStatus::Completed } else { TaskStatus::Pending });
        let search = params.read("search", |text| Search::parse(text.to_owned())).flatten();
        let sort = params.sort();
        let limit = params.read("limit", limit).unwrap_or_default();
        let offset = params.offset(limit);
        let after = params.read("cursor", |text| Cursor::parse(text, sort));
        if after.is_some() && offset.is_some() {
            let violation = Violation::Combination("give a cursor or an offset, not both");
            params.faults.push(FieldError::new("cursor", violation));
        }
        let has_envelope = params.read("envelope", boolean).unwrap_or(false);
        if !params.faults.is_empty() {
            return Err(params.faults);
        }
        let kept = params.pairs.iter().filter(|(name, _)| !PLACES.contains(&name.as_ref()));
        let without_cursor = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        let filter = Filter { status: status.or(completed).unwrap_or_default(), search };
        let page = PageRequest { sort, limit, after, offset: offset.unwrap_or_default(), ..PageRequest::default() };
        Ok(Self { filter, page, has_envelope, without_cursor })
    }
}

/// The parameters and what is wrong with them.
struct Params<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    faults: Vec<FieldError>,
}

impl Params<'_> {
    /// The last value of a parameter; an empty one is none.
    fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Violation>) -> Option<T> {
        let (_, value) = self.pairs.iter().rev().find(|(key, _)| key == name)?;
        if value.is_empty() && name != "cursor" {
            return None;
        }
        read(value).map_err(|violation| self.faults.push(FieldError::new(name, violation).given(value.as_ref()))).ok()
    }

    /// Newest first, and titles from A to Z, unless the order or a `-` says otherwise.
    fn sort(&mut self) -> TaskSort {
        let column = self.read("sort", sort).or_else(|| self.read("sort_by", sort));
        let (column, is_negated) = column.unwrap_or_default();
        let descending = self.read("order", order).or_else(|| self.read("sort_order", order));
        TaskSort { column, descending: descending.unwrap_or(is_negated || column != SortColumn::Title) }
    }

    /// The older ways to say where in the list; the first one that is there counts.
    fn offset(&mut self, limit: Limit) -> Option<Offset> {
        let skipped = |word: &str| Offset::try_from(integer(word)?);
        let offset = self.read("offset", skipped).or_else(|| self.read("skip", skipped));
        offset.or_else(|| self.read("page", |word| page(integer(word)?, limit)))
    }
}

fn status(word: &str) -> Result<TaskStatus, Violation> {
    match word {
        "all" => Ok(TaskStatus::All),
        "pending" => Ok(TaskStatus::Pending),
        "completed" => Ok(TaskStatus::Completed),
        _ => Err(Violation::NotOneOf(&["all", "pending", "completed"])),
    }
}

fn sort(word: &str) -> Result<(SortColumn, bool), Violation> {
    let (name, is_negated) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
    let column = match name {
        "created" | "created_at" => SortColumn::Created,
        "updated" | "updated_at" => SortColumn::Updated,
        "title" => SortColumn::Title,
        _ => return Err(Violation::NotOneOf(&["created", "updated", "title"])),
    };
    Ok((column, is_negated))
}

fn order(word: &str) -> Result<bool, Violation> {
    match word {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(Violation::NotOneOf(&["asc", "desc"])),
    }
}

fn limit(word: &str) -> Result<Limit, Violation> {
    Limit::try_from(integer(word)?)
}

/// Pages are counted from 1.
fn page(number: i64, limit: Limit) -> Result<Offset, Violation> {
    let last = MAX_OFFSET / limit.get() + 1;
    match number {
        ..1 => Err(Violation::TooSmall(1)),
        number if number > last => Err(Violation::TooLarge(last)),
        number => Offset::try_from((number - 1) * limit.get()),
    }
}

/// A number too large to be held is as good as the largest one: it breaks the same rule.
fn integer(word: &str) -> Result<i64, Violation> {
    word.trim().parse().or_else(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => Ok(i64::MAX),
        IntErrorKind::NegOverflow => Ok(i64::MIN),
        _ => Err(Violation::NotAnInteger),
    })
}

/// The words pydantic takes for a boolean.
pub(super) fn boolean(word: &str) -> Result<bool, Violation> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(Violation::UnclearBoolean),
    }
}
