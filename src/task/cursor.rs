//! Cursors: positions in a sorted list, made of the sort, the sort key and the id that breaks ties.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{SortColumn, Task, TaskSort, Title, Violation};

/// Maximum length in bytes: enough for a title of [`super::MAX_TITLE`] characters of 4 bytes each, in JSON and base64.
const MAX_CURSOR: usize = 4096;
/// The last microsecond of the year 9999, in microseconds since 1970.
const MAX_TIME: i64 = 253_402_300_799_999_999;

/// A position in a sorted list, for clients an opaque URL-safe text.
///
/// Not signed: a forged one only selects other tasks of the same user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    sort: TaskSort,
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
}

impl Cursor {
    /// The position of a task.
    #[must_use]
    pub fn of(task: &Task, sort: TaskSort) -> Self {
        let key = match sort.column {
            SortColumn::Created => SortKey::Time(task.created_at),
            SortColumn::Updated => SortKey::Position(task.position),
            SortColumn::Title => SortKey::Title(task.title.clone()),
        };
        Self { sort, key, id: task.id.as_uuid() }
    }

    /// Parses a cursor, which must be for this sort.
    pub fn parse(text: &str, sort: TaskSort) -> Result<Self, Violation> {
        let cursor: Self = text.parse()?;
        if cursor.sort == sort { Ok(cursor) } else { Err(Violation::CursorOfAnotherSort) }
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
struct Wire(TaskSort, WireKey, Uuid);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WireKey {
    /// A position, or a time in microseconds since 1970, which is the database's precision.
    Number(i64),
    Title(String),
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match &self.key {
            SortKey::Time(time) => WireKey::Number(time.timestamp_micros()),
            SortKey::Position(number) => WireKey::Number(*number),
            SortKey::Title(title) => WireKey::Title(title.clone()),
        };
        let json = serde_json::to_vec(&Wire(self.sort, key, self.id)).map_err(|_| fmt::Error)?;
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
        let Wire(sort, key, id) = serde_json::from_slice(&json).map_err(|_| Violation::Cursor)?;
        let key = match (sort.column, key) {
            (SortColumn::Created, WireKey::Number(time)) => SortKey::Time(stored_time(time)?),
            (SortColumn::Updated, WireKey::Number(number)) => SortKey::Position(number),
            (SortColumn::Title, WireKey::Title(title)) => {
                SortKey::Title(Title::try_from(title).map_err(|_| Violation::Cursor)?.into_string())
            }
            _ => return Err(Violation::Cursor),
        };
        Ok(Self { sort, key, id })
    }
}

/// Checks that the database can store this time, since a cursor may be forged.
pub(super) fn stored_time(micros: i64) -> Result<DateTime<Utc>, Violation> {
    let in_range = (0..=MAX_TIME).contains(&micros);
    in_range.then(|| DateTime::from_timestamp_micros(micros)).flatten().ok_or(Violation::Cursor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskId;

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
        }
    }

    #[test]
    fn a_cursor_of_every_sort_survives_the_wire_and_fits_no_other_sort() {
        for column in [SortColumn::Created, SortColumn::Updated, SortColumn::Title] {
            let (sort, other) = (TaskSort::ascending(column), TaskSort::descending(column));
            let cursor = Cursor::of(&task(), sort);
            assert_eq!(Cursor::parse(&cursor.to_string(), sort), Ok(cursor.clone()));
            assert_eq!(Cursor::parse(&cursor.to_string(), other), Err(Violation::CursorOfAnotherSort));
        }
    }

    #[test]
    fn garbage_truncated_and_impossible_cursors_are_refused() {
        let good = Cursor::of(&task(), TaskSort::ascending(SortColumn::Title)).to_string();
        let of = |column: &str, key: &str| {
            let sort = format!(r#"{{"column":"{column}","descending":false}}"#);
            BASE64_URL_SAFE_NO_PAD.encode(format!(r#"[{sort},{key},"{}"]"#, Uuid::nil()))
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
        ];
        for text in bad {
            assert_eq!(text.parse::<Cursor>(), Err(Violation::Cursor), "{text}");
        }
    }
}
