//! Tags. They are stored as sent, and compared by case folding.

use unicase::UniCase;

use super::{
    Violation,
    text::{check, is_blank},
};

/// Maximum number of a task's tags.
pub const MAX_TAGS: usize = 20;
/// Maximum length of a tag, in characters (Unicode scalar values).
pub const MAX_TAG: usize = 50;

/// The tags of a task in the order of the input, at most [`MAX_TAGS`]. Of tags that differ only in case, the first is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    names: Vec<String>,
    keys: Vec<String>,
}

/// What is wrong with a list of tags, and with which of them; `None` for the whole list.
pub type InvalidTag = (Option<usize>, Violation);

impl Tags {
    /// Checks a list of tags. Returns all errors.
    pub fn parse(tags: impl ExactSizeIterator<Item = Result<String, Violation>>) -> Result<Self, Vec<InvalidTag>> {
        if tags.len() > MAX_TAGS {
            return Err(vec![(None, Violation::TooMany(MAX_TAGS))]);
        }
        let (mut parsed, mut errors) = (Self::default(), Vec::new());
        for (index, tag) in tags.enumerate() {
            match tag.and_then(Tag::try_from) {
                Ok(Tag { name, key }) => {
                    if !parsed.keys.contains(&key) {
                        parsed.names.push(name);
                        parsed.keys.push(key);
                    }
                }
                Err(violation) => errors.push((Some(index), violation)),
            }
        }
        if errors.is_empty() { Ok(parsed) } else { Err(errors) }
    }

    /// As they were stored.
    #[must_use]
    pub(crate) fn stored(names: Vec<String>) -> Self {
        let keys = names.iter().map(|name| fold(name)).collect();
        Self { names, keys }
    }

    /// The tags as they were sent.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The tags as they were sent, and the same ones in folded case.
    #[must_use]
    pub fn into_parts(self) -> (Vec<String>, Vec<String>) {
        (self.names, self.keys)
    }
}

/// One tag: 1 to [`MAX_TAG`] characters, not blank, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    name: String,
    key: String,
}

impl Tag {
    /// What it is compared by: the same for all tags that differ only in case.
    #[must_use]
    pub fn into_key(self) -> String {
        self.key
    }
}

impl TryFrom<String> for Tag {
    type Error = Violation;

    fn try_from(name: String) -> Result<Self, Violation> {
        if name.is_empty() {
            return Err(Violation::TooShort(1));
        }
        if is_blank(&name) {
            return Err(Violation::Blank);
        }
        check(&name, MAX_TAG, char::is_control)?;
        let key = fold(&name);
        Ok(Self { name, key })
    }
}

fn fold(name: &str) -> String {
    UniCase::new(name).to_folded_case()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(tags: &[&str]) -> Result<Tags, Vec<InvalidTag>> {
        Tags::parse(tags.iter().map(|tag| Ok((*tag).to_owned())))
    }

    #[test]
    fn tags_that_differ_only_in_case_collapse_to_the_first() {
        for (tags, kept) in [
            (&["Work", "work", "WORK"][..], &["Work"][..]),
            (&["straße", "STRASSE", "STRAẞE"], &["straße"]),
            (&["Σίσυφος", "ΣΊΣΥΦΟΣ", "σίσυφοσ"], &["Σίσυφος"]),
            (&["\u{212a}", "k", "K"], &["\u{212a}"]),
            // No folding without a language: a dotless i is another letter.
            (&["ısı", "isi"], &["ısı", "isi"]),
            (&["a", " a", "a "], &["a", " a", "a "]),
            (&["b", "a"], &["b", "a"]),
        ] {
            assert_eq!(parse(tags).unwrap().into_parts().0, kept, "{tags:?}");
        }
    }

    #[test]
    fn bad_tags_are_refused_each_with_its_index() {
        let longest = "🦀".repeat(MAX_TAG);
        assert!(parse(&[&longest]).is_ok());
        assert!(parse(&["x"; MAX_TAGS]).is_ok());
        assert_eq!(parse(&["x"; MAX_TAGS + 1]), Err(vec![(None, Violation::TooMany(MAX_TAGS))]));
        let too_long = longest + "x";
        let tags = ["", "ok", " \u{3000}", "a\nb", "a\u{85}", &too_long];
        let expected = vec![
            (Some(0), Violation::TooShort(1)),
            (Some(2), Violation::Blank),
            (Some(3), Violation::ControlCharacter),
            (Some(4), Violation::ControlCharacter),
            (Some(5), Violation::TooLong(MAX_TAG)),
        ];
        assert_eq!(parse(&tags), Err(expected));
    }
}
