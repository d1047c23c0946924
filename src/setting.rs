//! Parsers of settings for clap, whose errors say what is valid.
//!
//! Errors quote the invalid value, so that the reader sees which one is meant. Those of secrets must not.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use clap::{Args, Command, builder::Resettable};

/// Values separated by commas. An alias, because clap treats a `Vec` as an option that can be repeated.
pub(crate) type List<T> = Vec<T>;

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// Parses an integer in this range.
pub(crate) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("must be a number from {} to {}, got `{text}`", range.start(), range.end()))
    }
}

/// Parses a duration in this range, like `500ms`, `10s` or `2m`.
pub(crate) fn duration(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| {
        let duration = humantime::parse_duration(text).ok().filter(|duration| range.contains(duration));
        duration.ok_or_else(|| {
            let [min, max] = [range.start(), range.end()].map(|bound| humantime::format_duration(*bound));
            format!("must be a duration from {min} to {max}, like 500ms, 10s or 2m, got `{text}`")
        })
    }
}

/// Parses `true` or `false`.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    text.trim().parse().map_err(|_| format!("must be true or false, got `{text}`"))
}

/// Parses values separated by commas. Spaces around them and empty ones are ignored.
pub(crate) fn list<T>(
    parse: impl Fn(&str) -> Result<T, String> + Clone,
) -> impl Fn(&str) -> Result<List<T>, String> + Clone {
    move |text| text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(&parse).collect()
}

/// The default settings of a group, whatever the environment has.
pub(crate) fn defaults<T: Args>() -> T {
    let command = T::augment_args(Command::new("defaults")).mut_args(|arg| arg.env(Resettable::Reset));
    T::from_arg_matches(&command.get_matches_from(["defaults"])).unwrap_or_else(|error| error.exit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_accepted_up_to_their_bounds() {
        let number = number(1..=64);
        assert_eq!([number("1"), number(" 64 ")], [Ok(1), Ok(64)]);
        for text in ["0", "65", "-1", "1.5", "", "one"] {
            assert_eq!(number(text), Err(format!("must be a number from 1 to 64, got `{text}`")));
        }
        let duration = duration(SECOND..=DAY);
        assert_eq!([duration("1s"), duration("1day")], [Ok(SECOND), Ok(DAY)]);
        for text in ["999ms", "1day 1ns", "0s", "10", "soon"] {
            assert!(duration(text).is_err_and(|error| error.contains("from 1s to 1day")), "{text}");
        }
    }

    #[test]
    fn a_list_ignores_spaces_and_empty_items_and_refuses_a_bad_one() {
        let list = list(number(1..=9));
        assert_eq!(list(" 1,2 ,,3,"), Ok(vec![1, 2, 3]));
        assert_eq!(list(" , "), Ok(vec![]));
        assert!(list("1,10").is_err());
    }
}
