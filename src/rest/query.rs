//! The query of a list, in the words of the older backends.

use std::borrow::Cow;

use axum::{extract::FromRequestParts, http::request::Parts};
use url::form_urlencoded;

use super::error::RestError;
use crate::{
    error::Error,
    state::AppState,
    task::{Cursor, Filter, Invalid, Limit, PageRequest, Problem, Search, SortColumn, TaskSort, TaskStatus},
};

/// What a list is asked for.
pub(super) struct ListQuery {
    pub(super) filter: Filter,
    pub(super) page: PageRequest,
    /// Every parameter but the cursor, for the link to the next page.
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
    fn parse(query: &str) -> Result<Self, Vec<Invalid>> {
        let mut params = Params { pairs: form_urlencoded::parse(query.as_bytes()).collect(), faults: Vec::new() };
        let status = params.read("status", status);
        let completed = params
            .read("completed", boolean)
            .map(|completed| if completed { TaskStatus::Completed } else { TaskStatus::Pending });
        let search = params.read("search", |text| Search::parse(text.to_owned())).flatten();
        let sort = params.sort();
        let limit = params.read("limit", limit).unwrap_or_default();
        let after = params.read("cursor", |text| Cursor::parse(text, sort));
        if !params.faults.is_empty() {
            return Err(params.faults);
        }
        let kept = params.pairs.iter().filter(|(name, _)| name != "cursor");
        let without_cursor = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        let filter = Filter { status: status.or(completed).unwrap_or_default(), search };
        Ok(Self { filter, page: PageRequest { sort, limit, after, ..PageRequest::default() }, without_cursor })
    }
}

/// The parameters and what is wrong with them.
struct Params<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    faults: Vec<Invalid>,
}

impl Params<'_> {
    /// The last value of a parameter; an empty one is none.
    fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Problem>) -> Option<T> {
        let (_, value) = self.pairs.iter().rev().find(|(key, _)| key == name)?;
        if value.is_empty() && name != "cursor" {
            return None;
        }
        read(value).map_err(|problem| self.faults.push(Invalid::new(name, problem).given(value.as_ref()))).ok()
    }

    /// Newest first, and titles from A to Z, unless the order or a `-` says otherwise.
    fn sort(&mut self) -> TaskSort {
        let (column, is_negated) = self.read("sort", sort).unwrap_or_default();
        let descending = self.read("order", order).unwrap_or(is_negated || column != SortColumn::Title);
        TaskSort { column, descending }
    }
}

fn status(word: &str) -> Result<TaskStatus, Problem> {
    match word {
        "all" => Ok(TaskStatus::All),
        "pending" => Ok(TaskStatus::Pending),
        "completed" => Ok(TaskStatus::Completed),
        _ => Err(Problem::NotOneOf(&["all", "pending", "completed"])),
    }
}

fn sort(word: &str) -> Result<(SortColumn, bool), Problem> {
    let (name, is_negated) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
    let column = match name {
        "created" | "created_at" => SortColumn::Created,
        "updated" | "updated_at" => SortColumn::Updated,
        "title" => SortColumn::Title,
        _ => return Err(Problem::NotOneOf(&["created", "updated", "title"])),
    };
    Ok((column, is_negated))
}

fn order(word: &str) -> Result<bool, Problem> {
    match word {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err(Problem::NotOneOf(&["asc", "desc"])),
    }
}

fn limit(word: &str) -> Result<Limit, Problem> {
    let number: i64 = word.trim().parse().map_err(|_| Problem::NotAnInteger)?;
    Limit::try_from(number)
}

/// The words pydantic takes for a boolean.
pub(super) fn boolean(word: &str) -> Result<bool, Problem> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(Problem::NotABoolean),
    }
}
