//! What an old value means in a field of a task. Nothing is guessed: what has no clear meaning is refused, with the reason.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use serde_json::Value;

use crate::task::{Due, InvalidDue, Priority, Tags, TimeZone, Violation};

/// Words for a status, in folded case.
const DONE: [&str; 7] = ["completed", "complete", "done", "finished", "true", "yes", "on"];
const PENDING: [&str; 12] =
    ["pending", "todo", "to_do", "to-do", "open", "new", "incomplete", "not_completed", "active", "false", "no", "off"];
/// Words for a task that was begun, which a task here can't say.
const BEGUN: [&str; 5] = ["in_progress", "in progress", "in-progress", "inprogress", "started"];

/// Whether it is none: null, or an empty text.
pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// The text of a text or an integer, without the spaces that some files and columns pad it with.
pub(super) fn name(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        _ => Err("neither a text nor an integer".to_owned()),
    }
}

pub(super) fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(ToOwned::to_owned).ok_or_else(|| "not a text".to_owned())
}

/// Whether a task is completed, and the word for what gets lost.
pub(super) fn completed(value: &Value) -> Result<(bool, Option<String>), String> {
    let done = match value {
        Value::Null => Some(false),
        Value::Bool(done) => Some(*done),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(word) => match word.trim().to_lowercase().as_str() {
            "" | "0" | "f" | "n" => Some(false),
            "1" | "t" | "y" => Some(true),
            word if DONE.contains(&word) => Some(true),
            word if PENDING.contains(&word) => Some(false),
            word if BEGUN.contains(&word) => return Ok((false, Some(word.to_owned()))),
            _ => None,
        },
        _ => None,
    };
    done.map(|done| (done, None)).ok_or_else(|| "neither true nor false, completed nor pending".to_owned())
}

/// A word in any case, or a number from 1 for low to 4 for urgent.
pub(super) fn priority(value: &Value) -> Result<Priority, String> {
    let unknown = || "none of none, low, medium, high, urgent and 1 to 4".to_owned();
    match value {
        Value::Null => Ok(Priority::None),
        Value::Number(number) => {
            let level = number.as_i64().and_then(|level| i16::try_from(level).ok());
            level.and_then(Priority::of_level).ok_or_else(unknown)
        }
        Value::String(word) => {
            let word = word.trim();
            let level = || word.parse().ok().and_then(Priority::of_level);
            if word.is_empty() {
                Ok(Priority::None)
            } else {
                Priority::of_word(word).or_else(level).ok_or_else(unknown)
            }
        }
        _ => Err(unknown()),
    }
}

/// How times without an offset are read.
#[derive(Clone)]
pub(super) enum Naive {
    /// By the clocks of this zone.
    In(TimeZone),
    /// By the clocks wherever the user is.
    Anywhere,
}

/// A time zone, as Tandem writes it beside a due time.
pub(super) fn zone(value: &Value) -> Result<Option<TimeZone>, String> {
    if is_empty(value) {
        return Ok(None);
    }
    text(value)?.parse().map(Some).map_err(|violation| said(&violation))
}

/// A day, a time, or an instant. The zone is that of the time.
pub(super) fn due(value: &Value, given: Option<TimeZone>, naive: &Naive) -> Result<Option<Due>, String> {
    if is_empty(value) {
        return Ok(None);
    }
    let text = time_text(value)?;
    let text = text.trim();
    let is_day = !text.contains([':', 'T', 't']);
    let zone = match (given, naive) {
        (Some(zone), _) => Some(zone),
        (None, Naive::In(zone)) if !is_day && !has_offset(text) => Some(zone.clone()),
        _ => None,
    };
    let invalid = |error| match error {
        InvalidDue::Due(violation) | InvalidDue::Zone(violation) => said(&violation),
    };
    Due::parse(&long_offset(text), zone).map(Some).map_err(invalid)
}

/// The text of a time. A number may be one of seconds or of milliseconds, or something else.
fn time_text(value: &Value) -> Result<String, String> {
    let is_number =
        |text: &str| text.len() > "20260329".len() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    match value {
        Value::String(text) if !is_number(text) => Ok(text.clone()),
        Value::String(_) | Value::Number(_) => {
            Err("a number, and not a time like 2026-03-29T09:00:00: import from a view that makes it one".to_owned())
        }
        _ => Err("not a text".to_owned()),
    }
}

/// The tags in an array, an array written as JSON or as `PostgreSQL` writes it, or words with commas.
pub(super) fn words(value: &Value) -> Result<Vec<String>, String> {
    let words: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(text).collect::<Result<_, _>>()?,
        Value::String(words) => {
            let words = words.trim();
            if words.starts_with('[') {
                let items: Value = serde_json::from_str(words).map_err(|_| "not an array in JSON".to_owned())?;
                return if items.is_array() { self::words(&items) } else { Err("not an array in JSON".to_owned()) };
            }
            let inner = words.strip_prefix('{').and_then(|words| words.strip_suffix('}'));
            inner.map_or_else(|| words.split(',').map(|word| word.trim().to_owned()).collect(), array_items)
        }
        _ => return Err("neither an array nor a text".to_owned()),
    };
    Ok(words.into_iter().filter(|word| !word.is_empty()).collect())
}

pub(super) fn tags(words: Vec<String>) -> Result<Tags, String> {
    Tags::parse(words.into_iter().map(Ok)).map_err(|errors| {
        errors.first().map_or_else(String::new, |(index, violation)| match index {
            Some(index) => format!("tag {}: {}", index + 1, said(violation)),
            None => said(violation),
        })
    })
}

/// The items of an array as `PostgreSQL` writes it, without its braces.
fn array_items(text: &str) -> Vec<String> {
    let (mut items, mut is_quoted) = (vec![String::new()], false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let last = items.len() - 1;
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => items[last].extend(chars.next()),
            ',' if !is_quoted => items.push(String::new()),
            c => items[last].push(c),
        }
    }
    items
}

/// An instant; without an offset, in UTC. In microseconds, as it is stored.
pub(super) fn instant(value: &Value) -> Result<Option<DateTime<Utc>>, String> {
    if is_empty(value) {
        return Ok(None);
    }
    let text = time_text(value)?;
    let text = long_offset(text.trim()).replacen([' ', 't'], "T", 1);
    let naive = || {
        let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f");
        let time = time.or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M"));
        let day = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
        time.ok().or_else(day).map(|time| time.and_utc())
    };
    let time = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc()).or_else(naive);
    let time = time.filter(|time| (1..=9999).contains(&chrono::Datelike::year(time)));
    time.map(|time| Some(time.trunc_subsecs(6))).ok_or_else(|| "not a time like 2026-03-29T09:00:00".to_owned())
}

/// Whether a time has `Z` or an offset.
fn has_offset(text: &str) -> bool {
    let clock = text.split_once(['T', 't', ' ']).map_or("", |(_, clock)| clock);
    clock.contains(['Z', 'z', '+', '-'])
}

/// `+02` and `+0200`, which some databases write, as `+02:00`.
fn long_offset(text: &str) -> String {
    let Some(at) = text.rfind(['+', '-']).filter(|_| has_offset(text)) else { return text.to_owned() };
    let digits = &text[at + 1..];
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.len() {
        2 if is_number => format!("{text}:00"),
        4 if is_number => format!("{}:{}", &text[..at + 3], &text[at + 3..]),
        _ => text.to_owned(),
    }
}

/// A violation for an operator, without the words for developers of frontends.
pub(super) fn said(violation: &Violation) -> String {
    let text = violation.to_string();
    text.strip_prefix("Value error, ").map_or_else(|| text.replace("String should", "should"), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whether_a_task_is_completed_is_said_in_many_ways() {
        for done in [json!(true), json!(1), json!("TRUE"), json!("Completed"), json!("done"), json!("t"), json!("1")] {
            assert_eq!(completed(&done), Ok((true, None)), "{done}");
        }
        for pending in [json!(false), json!(0), json!(null), json!(""), json!("pending"), json!("Todo"), json!("open")]
        {
            assert_eq!(completed(&pending), Ok((false, None)), "{pending}");
        }
        assert_eq!(completed(&json!("In Progress")), Ok((false, Some("in progress".to_owned()))));
        for unclear in [json!(2), json!("archived"), json!([]), json!(0.5)] {
            assert!(completed(&unclear).is_err(), "{unclear}");
        }
    }

    #[test]
    fn priorities_are_words_or_one_to_four() {
        for (value, expected) in [
            (json!("HIGH"), Priority::High),
            (json!(" low "), Priority::Low),
            (json!(1), Priority::Low),
            (json!("4"), Priority::Urgent),
            (json!(0), Priority::None),
            (json!(null), Priority::None),
            (json!(""), Priority::None),
        ] {
            assert_eq!(priority(&value), Ok(expected), "{value}");
        }
        for unknown in [json!(5), json!(-1), json!("critical"), json!(2.5), json!(true)] {
            assert!(priority(&unknown).is_err(), "{unknown}");
        }
    }

    fn due_in(text: &str, zone: Option<&str>, naive: &Naive) -> Result<String, String> {
        let zone = zone.map(|zone| zone.parse().unwrap());
        due(&json!(text), zone, naive).map(|due| due.map_or_else(String::new, |due| due.to_rest()))
    }

    #[test]
    fn a_due_date_stays_on_its_day_and_a_naive_time_is_one_in_the_zone() {
        let utc = Naive::In(TimeZone::utc());
        let berlin = Naive::In("Europe/Berlin".parse().unwrap());
        for (text, zone, naive, expected) in [
            ("2026-03-29", None, &utc, "2026-03-29"),
            ("2026-03-29", None, &berlin, "2026-03-29"),
            ("2026-03-29T09:00:00", None, &utc, "2026-03-29T09:00:00Z"),
            ("2026-03-29 09:00:00.000000", None, &utc, "2026-03-29T09:00:00Z"),
            ("2026-03-29 09:00:00", None, &berlin, "2026-03-29T09:00:00+02:00"),
            ("2026-03-29 09:00:00+00", None, &berlin, "2026-03-29T09:00:00Z"),
            ("2026-03-29T09:00:00-0330", None, &utc, "2026-03-29T12:30:00Z"),
            ("2026-03-29T09:00:00", None, &Naive::Anywhere, "2026-03-29T09:00:00"),
            ("2026-03-29T09:00:00+02:00", Some("Europe/Berlin"), &Naive::Anywhere, "2026-03-29T09:00:00+02:00"),
            ("", None, &utc, ""),
        ] {
            assert_eq!(due_in(text, zone, naive).as_deref(), Ok(expected), "{text}");
        }
        for text in ["tomorrow", "2026-02-30", "1774771200", "29.03.2026", "2026-03-29T25:00"] {
            assert!(due_in(text, None, &utc).is_err(), "{text}");
        }
    }

    #[test]
    fn tags_are_arrays_or_words() {
        for (value, expected) in [
            (json!(["a", "B c"]), vec!["a", "B c"]),
            (json!("a, b,,c "), vec!["a", "b", "c"]),
            (json!(r#"["a","b, c"]"#), vec!["a", "b, c"]),
            (json!(r#"{a,"b, \"c\""}"#), vec!["a", "b, \"c\""]),
            (json!("{}"), vec![]),
            (json!("[]"), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(
                words(&value).and_then(tags).map(|tags| tags.into_parts().0),
                Ok(expected.iter().map(|tag| (*tag).to_owned()).collect())
            );
        }
        for invalid in [json!([1]), json!("[a"), json!({ "a": 1 }), json!("x".repeat(51))] {
            assert!(words(&invalid).and_then(tags).is_err(), "{invalid}");
        }
    }

    #[test]
    fn times_without_an_offset_are_in_utc() {
        for (text, expected) in [
            ("2026-01-02T03:04:05.678901", "2026-01-02T03:04:05.678901Z"),
            ("2026-01-02 03:04:05.123456789", "2026-01-02T03:04:05.123456Z"),
            ("2026-01-02 03:04:05+02", "2026-01-02T01:04:05.000000Z"),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"),
            ("2026-01-02 03:04", "2026-01-02T03:04:00.000000Z"),
            ("2026-01-02", "2026-01-02T00:00:00.000000Z"),
        ] {
            let time = instant(&json!(text)).unwrap().unwrap();
            assert_eq!(crate::task::rfc3339(time), expected, "{text}");
        }
        for invalid in [json!("yesterday"), json!(1_767_322_800), json!("2026-13-01"), json!("99999-01-01")] {
            assert!(instant(&invalid).is_err(), "{invalid}");
        }
    }
}
