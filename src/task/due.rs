//! When a task is due: a day, a time of day without a zone ("9 o'clock, wherever I am"), or a time in a zone. The kinds are
//! those of `JSCalendar` (RFC 8984). Wall clock and zone are the truth; the instant is derived from them.

use std::{str::FromStr, sync::Arc};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};

use super::Violation;

/// The zone of instants that were sent without one.
const UTC: &str = "UTC";
const YEAR: Violation = Violation::Custom("the year must be from 1 to 9999");

/// When a task is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    date: NaiveDate,
    time: Option<NaiveTime>,
    /// Only with a time.
    zone: Option<TimeZone>,
    at: DateTime<Utc>,
}

impl Due {
    /// On a day, at a time if one is given, in a zone if one is given. A zone without a time is ignored.
    pub fn new(date: NaiveDate, time: Option<NaiveTime>, zone: Option<TimeZone>) -> Result<Self, Violation> {
        let zone = zone.filter(|_| time.is_some());
        let at = match (time, &zone) {
            // A day counts as its last moment, in the database's precision.
            (None, _) => {
                date.and_time(NaiveTime::MIN).checked_add_days(Days::new(1)).ok_or(YEAR)?.and_utc()
                    - TimeDelta::microseconds(1)
            }
            (Some(time), None) => date.and_time(time).and_utc(),
            (Some(time), Some(zone)) => zone.instant(date.and_time(time)).ok_or(YEAR)?,
        };
        let in_range = |year| (1..=9999).contains(&year);
        if in_range(date.year()) && in_range(at.year()) { Ok(Self { date, time, zone, at }) } else { Err(YEAR) }
    }

    /// As it was stored.
    pub(crate) fn stored(date: NaiveDate, time: Option<NaiveTime>, zone: Option<String>, at: DateTime<Utc>) -> Self {
        Self { date, time, zone: zone.map(|name| TimeZone(name.into())), at }
    }

    /// At an instant, in this zone.
    fn at_instant(at: DateTime<Utc>, zone: TimeZone) -> Result<Self, Violation> {
        let local = zone.local(at).ok_or(YEAR)?;
        Self::new(local.date(), Some(local.time()), Some(zone))
    }

    /// The day.
    #[must_use]
    pub const fn date(&self) -> NaiveDate {
        self.date
    }

    /// The wall-clock time; `None` if the whole day is meant.
    #[must_use]
    pub const fn time(&self) -> Option<NaiveTime> {
        self.time
    }

    /// The zone of the time; `None` if it is meant wherever the user is.
    #[must_use]
    pub const fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// What it is sorted and filtered by: the instant; without a zone as if in UTC, and a day as its end.
    #[must_use]
    pub const fn sort_key(&self) -> DateTime<Utc> {
        self.at
    }

    /// The instant; `None` without a zone.
    #[must_use]
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.zone.is_some().then_some(self.at)
    }

    /// The same wall-clock time in another zone, or in none; `None` if it has no time.
    #[must_use]
    pub fn in_zone(&self, zone: Option<TimeZone>) -> Option<Result<Self, Violation>> {
        self.time.map(|time| Self::new(self.date, Some(time), zone))
    }

    /// Parses what REST accepts: `2026-03-29`, `2026-03-29T09:00`, or RFC 3339 with an offset, which is kept as an instant in
    /// UTC. In a zone that is given beside it, an offset must be the zone's, and `Z` is converted. Fractions of seconds are cut.
    pub fn parse(text: &str, zone: Option<TimeZone>) -> Result<Self, InvalidDue> {
        let invalid = InvalidDue::Due;
        let Some((day, clock)) = text.split_once(['T', 't', ' ']) else {
            let date = parse_date(text).map_err(invalid)?;
            if zone.is_some() {
                return Err(InvalidDue::Zone(Violation::Custom("a day has no time zone")));
            }
            return Self::new(date, None, None).map_err(invalid);
        };
        let date = parse_date(day).map_err(|_| invalid(Violation::DateTime))?;
        let (time, offset) = split_offset(clock).ok_or(invalid(Violation::DateTime))?;
        let time = parse_time(time).map_err(|_| invalid(Violation::DateTime))?;
        let local = date.and_time(time);
        let instant =
            |offset: TimeDelta| local.checked_sub_signed(offset).map(|utc| utc.and_utc()).ok_or(invalid(YEAR));
        match (offset, zone) {
            (None, zone) => Self::new(date, Some(time), zone).map_err(invalid),
            (Some(offset), None) => Self::at_instant(instant(offset.delta())?, TimeZone::utc()).map_err(invalid),
            (Some(Offset::Zulu), Some(zone)) => {
                let at = instant(TimeDelta::zero())?;
                let due = Self::at_instant(at, zone).map_err(invalid)?;
                let message = "the zone's clock shows this time twice, and this is the second one";
                if due.at == at { Ok(due) } else { Err(invalid(Violation::Custom(message))) }
            }
            (Some(offset), Some(zone)) => {
                let due = Self::new(date, Some(time), Some(zone)).map_err(invalid)?;
                let message = "the offset contradicts the time zone";
                if due.at == instant(offset.delta())? { Ok(due) } else { Err(invalid(Violation::Custom(message))) }
            }
        }
    }

    /// In the form that [`Self::parse`] reads: a zone's time with its offset.
    #[must_use]
    pub fn to_rest(&self) -> String {
        let date = self.date;
        let Some(time) = self.time else { return date.to_string() };
        let time = time.format("%H:%M:%S");
        match &self.zone {
            None => format!("{date}T{time}"),
            Some(zone) if zone.is_utc() => format!("{date}T{time}Z"),
            Some(_) => {
                let offset = self.local().and_utc() - self.at;
                let (sign, seconds) = if offset < TimeDelta::zero() { ('-', -offset) } else { ('+', offset) };
                let seconds = seconds.num_seconds();
                let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                // Local mean time, before there were zones, has seconds.
                let rest = if rest == 0 { String::new() } else { format!(":{rest:02}") };
                format!("{date}T{time}{sign}{hours:02}:{minutes:02}{rest}")
            }
        }
    }

    fn local(&self) -> NaiveDateTime {
        self.date.and_time(self.time.unwrap_or_default())
    }
}

/// Which of a due date and the time zone beside it is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidDue {
    /// The date or time.
    Due(Violation),
    /// The zone.
    Zone(Violation),
}

/// A change of a due date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DueChange {
    /// A new one; `None` clears it.
    Set(Option<Due>),
    /// The same wall-clock time in another zone; `None` for no zone.
    Zone(Option<TimeZone>),
}

/// A time zone of the IANA database, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(Arc<str>);

impl TimeZone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self(UTC.into())
    }

    /// Whether it is the zone of instants that were sent without one.
    #[must_use]
    pub fn is_utc(&self) -> bool {
        &*self.0 == UTC
    }

    /// The name, like `Europe/Berlin`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The instant of a wall-clock time. One that daylight saving skips has the offset before the gap; of one that it repeats,
    /// the earlier is meant: Temporal's `compatible`.
    fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        if self.is_utc() {
            return Some(local.and_utc());
        }
        let at = find(&self.0)?.to_ambiguous_timestamp(civil(local)?).compatible().ok()?;
        DateTime::from_timestamp(at.as_second(), 0)
    }

    /// The wall-clock time at an instant, in seconds.
    fn local(&self, at: DateTime<Utc>) -> Option<NaiveDateTime> {
        if self.is_utc() {
            return Some(at.naive_utc());
        }
        let offset = find(&self.0)?.to_offset(jiff::Timestamp::from_second(at.timestamp()).ok()?);
        at.naive_utc().checked_add_signed(TimeDelta::seconds(offset.seconds().into()))
    }
}

impl FromStr for TimeZone {
    type Err = Violation;

    /// Reads a name in any case.
    fn from_str(text: &str) -> Result<Self, Violation> {
        if text == UTC {
            return Ok(Self::utc());
        }
        let zone = find(text).ok_or(Violation::TimeZone)?;
        Ok(Self(zone.iana_name().ok_or(Violation::TimeZone)?.into()))
    }
}

/// In the database that is part of the program.
fn find(name: &str) -> Option<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(name).ok()
}

fn civil(local: NaiveDateTime) -> Option<jiff::civil::DateTime> {
    let number = |number: u32| i8::try_from(number).ok();
    jiff::civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        number(local.month())?,
        number(local.day())?,
        number(local.hour())?,
        number(local.minute())?,
        number(local.second())?,
        0,
    )
    .ok()
}

/// An offset from UTC, as it was sent.
#[derive(Clone, Copy)]
enum Offset {
    /// `Z`: an instant, wherever.
    Zulu,
    Of(TimeDelta),
}

impl Offset {
    fn delta(self) -> TimeDelta {
        match self {
            Self::Zulu => TimeDelta::zero(),
            Self::Of(delta) => delta,
        }
    }
}

/// Parses a bound of due dates: an instant, a time as if in UTC, or a date, which means its beginning in UTC.
pub fn parse_bound(text: &str) -> Result<DateTime<Utc>, Violation> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    match Due::parse(text, None) {
        Ok(Due { date, time: None, .. }) => Ok(date.and_time(NaiveTime::MIN).and_utc()),
        Ok(due) => Ok(due.at),
        Err(InvalidDue::Due(violation) | InvalidDue::Zone(violation)) => Err(violation),
    }
}

/// Splits an offset off a time; `None` if it is invalid.
fn split_offset(clock: &str) -> Option<(&str, Option<Offset>)> {
    if let Some(time) = clock.strip_suffix(['Z', 'z']) {
        return Some((time, Some(Offset::Zulu)));
    }
    let Some(at) = clock.find(['+', '-']) else { return Some((clock, None)) };
    let (time, offset) = clock.split_at(at);
    let (sign, offset) = offset.split_at(1);
    let [hours, minutes, seconds] = numbers(offset, ':')?;
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let delta = TimeDelta::seconds(i64::from(hours * 3600 + minutes * 60 + seconds));
    Some((time, Some(Offset::Of(if sign == "-" { -delta } else { delta }))))
}

/// Parses `2026-03-29`.
pub fn parse_date(text: &str) -> Result<NaiveDate, Violation> {
    let parts = text.split_once('-').filter(|(year, _)| year.len() == 4);
    let (year, rest) = parts.ok_or(Violation::DateTime)?;
    let [month, day, _] = numbers(rest, '-').filter(|_| rest.len() == 5).ok_or(Violation::DateTime)?;
    let year = digits(year).and_then(|year| i32::try_from(year).ok()).ok_or(Violation::DateTime)?;
    NaiveDate::from_ymd_opt(year, month, day).ok_or(Violation::DateTime)
}

/// Parses `09:00`, with seconds or without. Fractions of seconds are cut.
pub fn parse_time(text: &str) -> Result<NaiveTime, Violation> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let is_cuttable = fraction.is_none_or(|fraction| {
        whole.len() == 8 && !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit())
    });
    let [hours, minutes, seconds] = numbers(whole, ':').filter(|_| is_cuttable).ok_or(Violation::Time)?;
    NaiveTime::from_hms_opt(hours, minutes, seconds).ok_or(Violation::Time)
}

/// Two or three numbers of two digits.
fn numbers(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut numbers = [0; 3];
    let mut count = 0;
    for part in text.split(separator) {
        *numbers.get_mut(count)? = digits(part).filter(|_| part.len() == 2)?;
        count += 1;
    }
    (count >= 2).then_some(numbers)
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        name.parse().unwrap()
    }

    fn parsed(text: &str, zone_name: Option<&str>) -> Result<(String, String), InvalidDue> {
        let due = Due::parse(text, zone_name.map(zone))?;
        Ok((due.to_rest(), due.sort_key().format("%FT%T%.f").to_string()))
    }

    #[test]
    fn each_kind_is_answered_as_it_was_sent() {
        for (text, zone, answered, at) in [
            ("2026-03-29", None, "2026-03-29", "2026-03-29T23:59:59.999999"),
            ("2026-03-29T09:00", None, "2026-03-29T09:00:00", "2026-03-29T09:00:00"),
            ("2026-03-29 09:00:30.999", None, "2026-03-29T09:00:30", "2026-03-29T09:00:30"),
            ("2026-03-29T07:00:00.000Z", None, "2026-03-29T07:00:00Z", "2026-03-29T07:00:00"),
            ("2026-03-29t00:30:00+02:00", None, "2026-03-28T22:30:00Z", "2026-03-28T22:30:00"),
            ("2026-03-29T09:00", Some("Europe/Berlin"), "2026-03-29T09:00:00+02:00", "2026-03-29T07:00:00"),
            ("2026-03-29T09:00:00+02:00", Some("Europe/Berlin"), "2026-03-29T09:00:00+02:00", "2026-03-29T07:00:00"),
            ("2026-03-29T07:00:00Z", Some("europe/berlin"), "2026-03-29T09:00:00+02:00", "2026-03-29T07:00:00"),
            ("2026-03-29T07:00", Some("UTC"), "2026-03-29T07:00:00Z", "2026-03-29T07:00:00"),
            ("2026-03-29T09:00", Some("Asia/Kolkata"), "2026-03-29T09:00:00+05:30", "2026-03-29T03:30:00"),
            ("2026-03-29T09:00", Some("America/St_Johns"), "2026-03-29T09:00:00-02:30", "2026-03-29T11:30:00"),
            ("0001-01-02T00:00", None, "0001-01-02T00:00:00", "0001-01-02T00:00:00"),
            ("9999-12-31", None, "9999-12-31", "9999-12-31T23:59:59.999999"),
            // The zone's rule goes on for ever.
            ("9998-07-01T12:00", Some("Europe/Berlin"), "9998-07-01T12:00:00+02:00", "9998-07-01T10:00:00"),
        ] {
            assert_eq!(parsed(text, zone), Ok((answered.to_owned(), at.to_owned())), "{text} {zone:?}");
            let again = Due::parse(answered, zone.map(self::zone).filter(|zone| !zone.is_utc())).unwrap();
            assert_eq!(again.to_rest(), answered);
        }
    }

    #[test]
    fn a_time_that_is_skipped_has_the_offset_before_and_of_a_repeated_one_the_first_is_meant() {
        for (local, name, at) in [
            ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00"),
            ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00"),
            ("2026-03-08T02:30", "America/New_York", "2026-03-08T07:30:00"),
            ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30:00"),
            // Half an hour of daylight saving.
            ("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:45:00"),
            ("2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00"),
            // The day that Samoa skipped.
            ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00:00"),
        ] {
            let due = Due::parse(local, Some(zone(name))).unwrap();
            assert_eq!(due.at().unwrap().format("%FT%T").to_string(), at, "{local} {name}");
            assert_eq!(due.time(), parse_time(&local[11..]).ok(), "the wall clock stays");
            assert_eq!(Due::parse(&due.to_rest(), Some(zone(name))), Ok(due), "as it is answered");
        }
    }

    #[test]
    fn what_is_no_due_date_is_refused() {
        let due = InvalidDue::Due;
        for text in [
            "",
            "tomorrow",
            "2026-3-29",
            "2026-02-29",
            "2026-13-01",
            "26-03-29",
            "+2026-03-29",
            "2026-03-29T",
            "2026/03/29",
            "2026-03-29T24:00",
            "2026-03-29T09",
            "2026-03-29T09:60",
            "2026-03-29T23:59:60",
            "2026-03-29T09:00.5",
            "2026-03-29T09:00:00.",
            "2026-03-29T09:00+2",
            "2026-03-29T09:00+24:00",
            "2026-03-29T09:00:00ZZ",
            "12026-03-29",
            "-002026-03-29",
            "2026-03-29T09:00\u{660}",
            "٢٠٢٦-٠٣-٢٩",
            " 2026-03-29",
        ] {
            assert_eq!(Due::parse(text, None), Err(due(Violation::DateTime)), "{text}");
        }
        for text in ["0000-01-01", "0000-12-31T23:00", "0001-01-01T00:00+01:00", "9999-12-31T23:30:00-01:00"] {
            assert_eq!(Due::parse(text, None), Err(due(YEAR)), "{text}");
        }
        let berlin = || Some(zone("Europe/Berlin"));
        assert!(matches!(Due::parse("2026-03-29", berlin()), Err(InvalidDue::Zone(_))));
        for contradiction in ["2026-03-29T09:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"] {
            assert!(matches!(Due::parse(contradiction, berlin()), Err(InvalidDue::Due(_))), "{contradiction}");
        }
        for name in ["", "Mars/Olympus", "CET+1", "Europe/Berlin ", "/etc/passwd", "../UTC"] {
            assert_eq!(name.parse::<TimeZone>(), Err(Violation::TimeZone), "{name}");
        }
    }
}
