//! Formats times. A list has two for each task, and chrono would take longer to format them than serde takes for the rest.

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};

const PATTERN: [u8; 27] = *b"0000-00-00T00:00:00.000000Z";

/// The format of both APIs: RFC 3339 in UTC with microseconds.
#[must_use]
pub fn rfc3339(time: DateTime<Utc>) -> String {
    let (date, clock) = (time.date_naive(), time.time());
    let year = match u32::try_from(date.year()) {
        // chrono has leap seconds as second 59 with more than a second of nanoseconds.
        Ok(year @ ..=9999) if clock.nanosecond() < 1_000_000_000 => year,
        _ => return time.to_rfc3339_opts(SecondsFormat::Micros, true),
    };
    let mut text = PATTERN;
    put(&mut text[..4], year);
    put(&mut text[5..7], date.month());
    put(&mut text[8..10], date.day());
    put(&mut text[11..13], clock.hour());
    put(&mut text[14..16], clock.minute());
    put(&mut text[17..19], clock.second());
    put(&mut text[20..26], clock.nanosecond() / 1000);
    str::from_utf8(&text).unwrap_or_default().to_owned()
}

/// Writes the digits of a number.
fn put(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_written_as_chrono_writes_it(
            seconds in -100_000_000_000_i64..300_000_000_000,
            nanos in prop_oneof![9 => 0..1_000_000_000_u32, 1 => 1_000_000_000..2_000_000_000_u32],
        ) {
            // Only the last second of a minute can be a leap second.
            let seconds = if nanos < 1_000_000_000 { seconds } else { seconds - seconds.rem_euclid(60) + 59 };
            let time = DateTime::from_timestamp(seconds, nanos).unwrap();
            prop_assert_eq!(rfc3339(time), time.to_rfc3339_opts(SecondsFormat::Micros, true));
        }
    }
}
