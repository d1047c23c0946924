//! Cursors of the change feed: how far a replica has caught up.
//!
//! A user's positions increase in commit order, so a snapshot that has a change has all changes before it. Whether a cursor is
//! past retention is determined from the cursor alone: it contains the time up to which its replica is complete.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Position, Violation, cursor::stored_time};

/// How old what a replica knows may be.
pub const CURSOR_LIFETIME: TimeDelta = TimeDelta::days(30);
/// For how long a deletion is remembered: a day longer, for clocks that jump. A policy of the database repeats it.
pub const TOMBSTONE_LIFETIME: TimeDelta = TimeDelta::days(31);
/// Maximum length in bytes.
const MAX_LENGTH: usize = 512;

/// How far a replica has caught up, for clients an opaque URL-safe text.
///
/// Not signed: a forged one only shows its user another part of their own feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCursor {
    era: i32,
    /// The last change that was read, if any.
    last: Option<Position>,
    /// The last position of the feed when the page was read, if more pages followed.
    head: Option<i64>,
    /// The last position of the feed when the initial sync began. Deletions up to it don't concern the replica, which was empty.
    began: Option<i64>,
    /// The time up to which the replica has seen all deletions that concern it.
    fresh: DateTime<Utc>,
}

/// The state of a feed when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedHead {
    /// The database's era. Cursors of other eras are invalid.
    pub era: i32,
    /// The number of the last change; `None` if there was none, or its tombstone is gone.
    pub last: Option<i64>,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

/// Where to start reading a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// With all tasks: the replica is empty.
    #[default]
    Beginning,
    /// With the next change.
    Latest,
    /// After this cursor.
    Cursor(FeedCursor),
}

/// The positions after which a page starts, for existing and for deleted tasks.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The page has tasks that changed later.
    pub tasks: Position,
    /// The page has tasks that were deleted later.
    pub deletions: Position,
}

impl Since {
    /// The text of [`Self::Latest`].
    pub const LATEST: &str = "latest";

    /// The bounds of the next page.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        match self {
            Self::Beginning => Bounds { tasks: Position::FIRST, deletions: Position::LAST },
            Self::Latest => Bounds { tasks: Position::LAST, deletions: Position::LAST },
            Self::Cursor(FeedCursor { last, began, .. }) => {
                let tasks = last.unwrap_or(Position::FIRST);
                Bounds { tasks, deletions: began.map_or(tasks, |began| tasks.max(Position::end_of(began))) }
            }
        }
    }

    /// The cursor to continue from in a feed with this head; `None` if the reader must start over.
    #[must_use]
    pub fn resume(&self, head: &FeedHead) -> Option<FeedCursor> {
        let FeedHead { era, last, now } = *head;
        match *self {
            Self::Beginning => Some(FeedCursor { era, last: None, head: last, began: last, fresh: now }),
            Self::Latest => {
                Some(FeedCursor { era, last: last.map(Position::end_of), head: None, began: None, fresh: now })
            }
            Self::Cursor(cursor) => cursor.is_valid(head).then_some(cursor),
        }
    }
}

impl FeedCursor {
    /// Whether the feed still has everything since this cursor: it is of the same era, recent enough, and not ahead of the feed,
    /// as after the database was restored from a backup.
    fn is_valid(&self, head: &FeedHead) -> bool {
        let is_ahead = self.number().max(self.head) > head.last;
        self.era == head.era && !is_ahead && head.now.signed_duration_since(self.fresh) <= CURSOR_LIFETIME
    }

    /// Advances past a page that ends with this change, if any; past the last page, to the head of the feed.
    #[must_use]
    pub fn advance(self, end: Option<Position>, has_more: bool, head: &FeedHead) -> Self {
        if !has_more {
            let last = head.last.map(Position::end_of);
            return Self { last, head: None, began: None, fresh: head.now, ..self };
        }
        let last = end.or(self.last);
        let began = self.began.filter(|began| last.is_none_or(|position| position.number <= *began));
        Self { last, head: head.last, began, ..self }
    }

    /// The era of the database.
    #[must_use]
    pub fn era(&self) -> i32 {
        self.era
    }

    /// The number of the last change that the replica has.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        self.last.map(|position| position.number)
    }
}

impl Position {
    /// Before every change.
    const FIRST: Self = Self { number: i64::MIN, id: Uuid::nil() };
    /// After every change.
    const LAST: Self = Self { number: i64::MAX, id: Uuid::max() };

    /// After all changes with this number.
    const fn end_of(number: i64) -> Self {
        Self { number, id: Uuid::max() }
    }
}

/// The serialized form: JSON, encoded as base64, with the time in microseconds since 1970.
#[derive(Serialize, Deserialize)]
struct Wire(i32, Option<(i64, Uuid)>, Option<i64>, i64, Option<i64>);

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.last.map(|Position { number, id }| (number, id));
        let wire = Wire(self.era, last, self.began, self.fresh.timestamp_micros(), self.head);
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).map_err(|_| fmt::Error)?))
    }
}

impl FromStr for FeedCursor {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        if text.len() > MAX_LENGTH {
            return Err(Violation::Cursor);
        }
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Violation::Cursor)?;
        let Wire(era, last, began, fresh, head) = serde_json::from_slice(&json).map_err(|_| Violation::Cursor)?;
        let last = last.map(|(number, id)| Position { number, id });
        Ok(Self { era, last, head, began, fresh: stored_time(fresh)? })
    }
}

impl FromStr for Since {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        if text == Self::LATEST { Ok(Self::Latest) } else { text.parse().map(Self::Cursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: TimeDelta = TimeDelta::days(1);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 123_456_000).unwrap()
    }

    fn number(seconds: i64) -> i64 {
        at(seconds).timestamp_micros()
    }

    fn position(seconds: i64) -> Position {
        Position { number: number(seconds), id: Uuid::now_v7() }
    }

    fn head(last: Option<i64>, now: i64) -> FeedHead {
        FeedHead { era: 7, last: last.map(number), now: at(now) }
    }

    #[test]
    fn a_cursor_survives_the_wire() {
        for (last, began) in [(None, None), (Some(position(1)), None), (Some(position(1)), Some(number(5)))] {
            let cursor = FeedCursor { era: -3, last, head: began, began, fresh: at(9) };
            let text = cursor.to_string();
            assert_eq!(text.parse(), Ok(Since::Cursor(cursor)));
            assert!(text.len() < MAX_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        }
        assert_eq!("latest".parse(), Ok(Since::Latest));
    }

    #[test]
    fn garbage_and_impossible_cursors_are_refused() {
        let of = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
        assert!(of("[1,null,null,0,null]").parse::<Since>().is_ok(), "the valid form that this test varies");
        let good = FeedCursor { era: 1, last: Some(position(1)), head: None, began: None, fresh: at(1) }.to_string();
        let bad = [
            String::new(),
            "Latest".to_owned(),
            "%%%".to_owned(),
            good[..good.len() - 3].to_owned(),
            "A".repeat(MAX_LENGTH + 1),
            of("[1,null,null,0]"),
            of("[1,null,null,-1,null]"),
            of("[9999999999,null,null,0,null]"),
            of(&format!("[1,null,null,{},null]", i64::MAX)),
            of("[1,null,0.5,0,null]"),
            of("[1,[0,\"x\"],null,0,null]"),
            of(&format!("[{{\"column\":\"created\",\"descending\":true}},0,\"{}\"]", Uuid::nil())),
        ];
        for text in bad {
            assert_eq!(text.parse::<Since>(), Err(Violation::Cursor), "{text}");
        }
    }

    #[test]
    fn a_cursor_of_another_era_ahead_of_the_feed_or_too_old_is_unusable() {
        let cursor = FeedCursor { era: 7, last: Some(position(100)), head: None, began: None, fresh: at(200) };
        let is_known = |head| Since::Cursor(cursor).resume(&head).is_some();
        assert!(is_known(head(Some(100), 200)) && is_known(head(Some(300), 400)));
        assert!(!is_known(FeedHead { era: 8, ..head(Some(100), 200) }), "another era");
        assert!(!is_known(head(Some(99), 200)) && !is_known(head(None, 200)), "ahead");
        let middle = cursor.advance(Some(position(101)), true, &head(Some(150), 200));
        assert!(Since::Cursor(middle).resume(&head(Some(150), 200)).is_some());
        assert!(Since::Cursor(middle).resume(&head(Some(149), 200)).is_none(), "the head it had seen is gone");
        let month = CURSOR_LIFETIME.num_seconds();
        assert!(is_known(head(Some(100), 200 + month)), "at the maximum age");
        assert!(!is_known(head(Some(100), 201 + month)), "too old");
        // The database's clock was set back: a cursor from the future is usable.
        assert!(is_known(head(Some(100), -3600)));
    }

    #[test]
    fn an_initial_sync_gets_the_deletions_since_it_began() {
        let began = Since::Beginning.resume(&head(Some(100), 200)).unwrap();
        let middle = began.advance(Some(position(50)), true, &head(Some(150), 300));
        let bounds = Since::Cursor(middle).bounds();
        assert_eq!((bounds.tasks.number, bounds.deletions.number), (number(50), number(100)));
        assert!(bounds.deletions > position(100), "the deletion that was the last change was before it began");
        let after = middle.advance(Some(position(120)), true, &head(Some(150), 300));
        let bounds = Since::Cursor(after).bounds();
        assert_eq!((bounds.tasks, bounds.deletions.number), (bounds.deletions, number(120)));
    }

    #[test]
    fn polling_an_idle_feed_keeps_a_cursor_usable() {
        let mut cursor = Since::Beginning.resume(&head(Some(100), 200)).unwrap();
        cursor = cursor.advance(Some(position(100)), false, &head(Some(100), 200));
        for week in 1..20 {
            let later = head(Some(100), 200 + week * 7 * DAY.num_seconds());
            cursor = Since::Cursor(cursor).resume(&later).unwrap().advance(None, false, &later);
        }
        let much_later = head(Some(100), 200 + 200 * DAY.num_seconds());
        assert_eq!(Since::Cursor(cursor).resume(&much_later), None);
    }

    #[test]
    fn a_list_without_recent_changes_can_be_read_page_by_page() {
        let (years_ago, today) = (-1000 * DAY.num_seconds(), 0);
        let head = head(Some(years_ago), today);
        let cursor = Since::Beginning.resume(&head).unwrap().advance(Some(position(years_ago - 9)), true, &head);
        assert!(Since::Cursor(cursor).resume(&head).is_some());
    }

    #[test]
    fn latest_skips_everything_that_happened_before() {
        let bounds = Since::Latest.bounds();
        assert!(bounds.tasks > position(0) && bounds.deletions > position(0));
        let cursor = Since::Latest.resume(&head(Some(100), 200)).unwrap();
        assert_eq!(cursor.number(), Some(number(100)));
        assert!(Since::Cursor(cursor).bounds().tasks > position(100));
    }
}
