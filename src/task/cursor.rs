//! Cursors: positions in a sorted list, made of the list's key, the sort key and the id that breaks ties.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Filter, Priority, SortColumn, TagsMatch, Task, TaskSort, Title, Violation};

/// Maximum length in bytes: enough for a title of [`super::MAX_TITLE`] characters of 4 bytes each, in JSON and base64.
const MAX_CURSOR: usize = 4096;
/// The first microsecond of the year 1, in microseconds since 1970.
const MIN_TIME: i64 = -62_135_596_800_000_000;
/// The last microsecond of the year 9999, in microseconds since 1970.
const MAX_TIME: i64 = 253_402_300_799_999_999;

/// What a cursor belongs to: a sort, and a hash of what the list is filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey {
    sort: TaskSort,
    filter: u32,
}

impl ListKey {
    /// The key of a list. It doesn't depend on the page.
    #[must_use]
    pub fn of(sort: TaskSort, filter: &Filter) -> Self {
        Self { sort, filter: hash(filter) }
    }

    /// The key of the trash.
    #[must_use]
    pub fn of_trash(search: Option<&super::Search>) -> Self {
        let filter = hash_of(&("trash", search.map(super::Search::as_str)));
        Self { sort: TaskSort::descending(SortColumn::Updated), filter }
    }
}

/// The same on all servers, and 0 for the whole list.
fn hash(filter: &Filter) -> u32 {
    let Filter { status, search, priorities, tags, due_before, due_after, has_due } = filter;
    let (status, search) = (status.completed(), search.as_ref().map(super::Search::as_str));
    let is_whole = status.is_none() && search.is_none() && priorities.is_none() && tags.is_empty();
    if is_whole && due_before.is_none() && due_after.is_none() && has_due.is_none() {
        return 0;
    }
    let tags: Vec<_> = tags
        .iter()
        .map(|tags| match tags {
            TagsMatch::Any(keys) => ("any", keys),
            TagsMatch::All(keys) => ("all", keys),
        })
        .collect();
    hash_of(&(status, search, priorities, tags, due_before, due_after, has_due))
}

fn hash_of(filter: &impl Serialize) -> u32 {
    let digest = digest(&SHA256, &serde_json::to_vec(filter).unwrap_or_default());
    digest.as_ref().first_chunk().copied().map(u32::from_be_bytes).unwrap_or_default()
}

/// A position in a sorted list, for clients an opaque URL-safe text.
///
/// Not signed: a forged one only selects other tasks of the same user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    list: ListKey,
    key: SortKey,
    id: Uuid,
}

/// The value by which the list is sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// When the task was created.
    Time(DateTime<Utc>),
    /// The position of the task's last change in the user's feed.
    Position(i64),
    /// The title.
    Title(String),
    /// The level of the priority; `None` without one.
    Priority(Option<i16>),
    /// When the task is due, if ever.
    Due(Option<DateTime<Utc>>),
}

impl SortKey {
    /// Whether the task doesn't have what the list is sorted by.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::Priority(None) | Self::Due(None))
    }
}

impl Cursor {
    /// The position of a task in a list.
    #[must_use]
    pub fn of(task: &Task, list: ListKey) -> Self {
        let key = match list.sort.column {
            SortColumn::Created => SortKey::Time(task.created_at),
            SortColumn::Updated => SortKey::Position(task.position),
            SortColumn::Title => SortKey::Title(task.title.clone()),
            SortColumn::Priority => SortKey::Priority(Some(task.priority.level()).filter(|level| *level > 0)),
            SortColumn::Due => SortKey::Due(task.due.as_ref().map(super::Due::sort_key)),
        };
        Self { list, key, id: task.id.as_uuid() }
    }

    /// Parses a cursor, which must be of this list.
    pub fn parse(text: &str, list: ListKey) -> Result<Self, Violation> {
        let cursor: Self = text.parse()?;
        if cursor.list == list { Ok(cursor) } else { Err(Violation::CursorOfAnotherList) }
    }

    /// The sort key.
    #[must_use]
    pub const fn key(&self) -> &SortKey {
        &self.key
    }

    /// The id that breaks ties.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }
}

/// The serialized form: JSON, encoded as base64.
#[derive(Serialize, Deserialize)]
struct Wire(TaskSort, WireKey, Uuid, u32);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WireKey {
    /// A position, or a time in microseconds since 1970, which is the database's precision.
    Number(i64),
    Title(String),
    /// Without what the list is sorted by.
    Without(()),
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match &self.key {
            SortKey::Time(time) => WireKey::Number(time.timestamp_micros()),
            SortKey::Position(number) => WireKey::Number(*number),
            SortKey::Title(title) => WireKey::Title(title.clone()),
            SortKey::Priority(Some(level)) => WireKey::Number((*level).into()),
            SortKey::Due(Some(at)) => WireKey::Number(at.timestamp_micros()),
            SortKey::Priority(None) | SortKey::Due(None) => WireKey::Without(()),
        };
        let ListKey { sort, filter } = self.list;
        let json = serde_json::to_vec(&Wire(sort, key, self.id, filter)).map_err(|_| fmt::Error)?;
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for Cursor {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        if text.len() > MAX_CURSOR {
            return Err(Violation::Cursor);
        }
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Violation::Cursor)?;
        let Wire(sort, key, id, filter) = serde_json::from_slice(&json).map_err(|_| Violation::Cursor)?;
        let key = match (sort.column, key) {
            (SortColumn::Created, WireKey::Number(time)) => SortKey::Time(stored_time(time)?),
            (SortColumn::Updated, WireKey::Number(number)) => SortKey::Position(number),
            (SortColumn::Title, WireKey::Title(title)) => {
                SortKey::Title(Title::try_from(title).map_err(|_| Violation::Cursor)?.into_string())
            }
            (SortColumn::Priority, WireKey::Number(level)) => {
                let level = i16::try_from(level).ok().and_then(Priority::of_level).ok_or(Violation::Cursor)?;
                SortKey::Priority(Some(level.level()))
            }
            (SortColumn::Due, WireKey::Number(at)) => SortKey::Due(Some(time_between(MIN_TIME, at)?)),
            (SortColumn::Priority, WireKey::Without(())) => SortKey::Priority(None),
            (SortColumn::Due, WireKey::Without(())) => SortKey::Due(None),
            _ => return Err(Violation::Cursor),
        };
        Ok(Self { list: ListKey { sort, filter }, key, id })
    }
}

/// Checks that the database can store this time, since a cursor may be forged.
pub(super) fn stored_time(micros: i64) -> Result<DateTime<Utc>, Violation> {
    time_between(0, micros)
}

fn time_between(min: i64, micros: i64) -> Result<DateTime<Utc>, Violation> {
    let in_range = (min..=MAX_TIME).contains(&micros);
    in_range.then(|| DateTime::from_timestamp_micros(micros)).flatten().ok_or(Violation::Cursor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Search, Tag, TaskId, TaskStatus};

    fn task() -> Task {
        let time = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        Task {
            user_id: "ann".to_owned(),
            id: TaskId::generate(),
            title: "\"quoted\" 🦀 שלום".to_owned(),
            description: None,
            completed: false,
            version: 1,
            created_at: time,
            updated_at: time,
            position: i64::MAX,
            priority: Priority::High,
            due: None,
            tags: Vec::new(),
            completed_at: None,
        }
    }

    fn whole(sort: TaskSort) -> ListKey {
        ListKey::of(sort, &Filter::default())
    }

    #[test]
    fn a_cursor_of_every_sort_survives_the_wire_and_fits_no_other_sort() {
        let due = ["0001-01-01", "9999-12-31"].map(|date| crate::task::Due::parse(date, None).unwrap());
        let [early, late] = due.map(|due| Task { due: Some(due), ..task() });
        let without = Task { priority: Priority::None, ..task() };
        for column in SortColumn::ALL {
            let (list, other) = (whole(TaskSort::ascending(column)), whole(TaskSort::descending(column)));
            for task in [task(), without.clone(), early.clone(), late.clone()] {
                let cursor = Cursor::of(&task, list);
                assert_eq!(Cursor::parse(&cursor.to_string(), list), Ok(cursor.clone()));
                assert_eq!(Cursor::parse(&cursor.to_string(), other), Err(Violation::CursorOfAnotherList));
            }
        }
    }

    #[test]
    fn a_cursor_fits_no_list_with_another_filter() {
        let tags = |names: &[&str]| names.iter().map(|name| Tag::try_from((*name).to_owned()).unwrap()).collect();
        let time = DateTime::from_timestamp_micros(1);
        let filter = Filter::default;
        let filters = [
            filter(),
            Filter { status: TaskStatus::Pending, ..filter() },
            Filter { search: Search::parse("a".to_owned()).unwrap(), ..filter() },
            Filter { priorities: Some(vec![]), ..filter() },
            Filter { priorities: Some(vec![1]), ..filter() },
            Filter { tags: vec![TagsMatch::any(tags(&["a", "b"]))], ..filter() },
            Filter { tags: vec![TagsMatch::all(tags(&["a", "b"]))], ..filter() },
            Filter { due_before: time, ..filter() },
            Filter { due_after: time, ..filter() },
            Filter { has_due: Some(true), ..filter() },
            Filter { has_due: Some(false), ..filter() },
        ];
        let keys: std::collections::BTreeSet<_> = filters.iter().map(hash).collect();
        assert_eq!(keys.len(), filters.len());
        let other_words = Filter { tags: vec![TagsMatch::any(tags(&["B", "A", "b"]))], ..filter() };
        assert_eq!(hash(&other_words), hash(&filters[5]));
    }

    #[test]
    fn garbage_truncated_and_impossible_cursors_are_refused() {
        let good = Cursor::of(&task(), whole(TaskSort::ascending(SortColumn::Title))).to_string();
        let of = |column: &str, key: &str| {
            let sort = format!(r#"{{"column":"{column}","descending":false}}"#);
            BASE64_URL_SAFE_NO_PAD.encode(format!(r#"[{sort},{key},"{}",0]"#, Uuid::nil()))
        };
        assert!(of("created", "0").parse::<Cursor>().is_ok(), "the valid form that this test varies");
        let bad = [
            String::new(),
            "%%%".to_owned(),
            "x".repeat(MAX_CURSOR + 1),
            good[..good.len() - 3].to_owned(),
            BASE64_URL_SAFE_NO_PAD.encode("{}"),
            of("created", &i64::MAX.to_string()),
            of("created", "-1"),
            of("created", r#""title""#),
            of("title", "1"),
            of("title", r#""a\u0000b""#),
            of("priority", "5"),
            of("due", &i64::MIN.to_string()),
            of("due", r#""1""#),
            of("created", "null"),
        ];
        for text in bad {
            assert_eq!(text.parse::<Cursor>(), Err(Violation::Cursor), "{text}");
        }
    }
}
