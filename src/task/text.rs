//! Text written by users. It is stored as is: nothing is trimmed or normalized.

use super::Violation;

/// Maximum length of a title, in characters (Unicode scalar values).
pub const MAX_TITLE: usize = 200;
/// Maximum length of a description, in characters (Unicode scalar values).
pub const MAX_DESCRIPTION: usize = 1000;
/// Maximum length of a search, in characters (Unicode scalar values).
pub const MAX_SEARCH: usize = 200;

/// A title: 1 to [`MAX_TITLE`] characters, not blank, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Title {
    type Error = Violation;

    fn try_from(text: String) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::TooShort(1));
        }
        if is_blank(&text) {
            return Err(Violation::Blank);
        }
        check(&text, MAX_TITLE, char::is_control)?;
        Ok(Self(text))
    }
}

/// A description: at most [`MAX_DESCRIPTION`] characters, no control characters other than line breaks and tabs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Description {
    type Error = Violation;

    fn try_from(text: String) -> Result<Self, Violation> {
        check(&text, MAX_DESCRIPTION, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))?;
        Ok(Self(text))
    }
}

/// Text to search for: 1 to [`MAX_SEARCH`] characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(String);

impl Search {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses a search; an empty one is `None`.
    pub fn parse(text: String) -> Result<Option<Self>, Violation> {
        check(&text, MAX_SEARCH, char::is_control)?;
        Ok(Some(Self(text)).filter(|search| !search.0.is_empty()))
    }
}

pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

pub(super) fn check(text: &str, max: usize, is_forbidden: impl Fn(char) -> bool) -> Result<(), Violation> {
    if text.chars().count() > max {
        return Err(Violation::TooLong(max));
    }
    if text.chars().any(is_forbidden) {
        return Err(Violation::ControlCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_bounded_in_characters_not_bytes() {
        let longest = "🦀".repeat(MAX_TITLE);
        assert_eq!(Title::try_from(longest.clone()).map(Title::into_string), Ok(longest.clone()));
        assert_eq!(Title::try_from(longest + "x"), Err(Violation::TooLong(MAX_TITLE)));
    }

    #[test]
    fn a_title_is_neither_empty_nor_blank_nor_holds_control_characters() {
        let refused = [
            ("", Violation::TooShort(1)),
            (" \u{3000}\t", Violation::Blank),
            ("a\0b", Violation::ControlCharacter),
            ("a\nb", Violation::ControlCharacter),
            ("a\u{85}b", Violation::ControlCharacter),
        ];
        for (text, violation) in refused {
            assert_eq!(Title::try_from(text.to_owned()), Err(violation), "{text:?}");
        }
    }

    #[test]
    fn a_description_may_have_lines_and_be_empty_but_not_hold_nul() {
        assert!(Description::try_from(String::new()).is_ok());
        assert!(Description::try_from("a\r\n\tb".to_owned()).is_ok());
        assert!(Description::try_from("x".repeat(MAX_DESCRIPTION)).is_ok());
        assert_eq!(Description::try_from("x".repeat(MAX_DESCRIPTION + 1)), Err(Violation::TooLong(MAX_DESCRIPTION)));
        assert_eq!(Description::try_from("a\0".to_owned()), Err(Violation::ControlCharacter));
    }
}
