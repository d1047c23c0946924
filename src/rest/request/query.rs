//! Reads query strings parameter by parameter, and collects all errors.

use std::{
    borrow::Cow,
    num::{IntErrorKind, ParseIntError},
};

use url::form_urlencoded;

use crate::{
    rest::error::RestError,
    task::{FieldError, Violation},
};

/// Maximum number of values of a parameter that may have several.
pub(crate) const MAX_WORDS: usize = 20;

/// A query string, and the errors so far.
pub(crate) struct QueryString<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    errors: Vec<FieldError>,
}

impl<'a> QueryString<'a> {
    pub(crate) fn parse(query: &'a str) -> Self {
        Self { pairs: form_urlencoded::parse(query.as_bytes()).collect(), errors: Vec::new() }
    }

    /// Fails with all errors, if there are any.
    pub(crate) fn finish(self) -> Result<(), RestError> {
        if self.errors.is_empty() { Ok(()) } else { Err(RestError::in_part("query", self.errors)) }
    }

    /// Returns the query without these parameters.
    pub(crate) fn without(&self, names: &[&str]) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| !names.contains(&name.as_ref()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }

    /// Reads a parameter's last value. Empty parameters count as omitted, except `cursor`.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        let (_, value) = self.pairs.iter().rev().find(|(key, _)| key == name)?;
        if value.is_empty() && name != "cursor" {
            return None;
        }
        parse(value)
            .map_err(|violation| self.errors.push(FieldError::new(name, violation).with_input(value.as_ref())))
            .ok()
    }

    /// Reads the values of a parameter that may be repeated, and whose values may have several, separated by commas.
    pub(crate) fn read_all<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, Violation>,
    ) -> Option<Vec<T>> {
        let values = self.pairs.iter().filter(|(key, _)| key == name).flat_map(|(_, value)| value.split(','));
        let words: Vec<&str> = values.map(str::trim).filter(|word| !word.is_empty()).collect();
        if words.len() > MAX_WORDS {
            self.errors.push(FieldError::new(name, Violation::TooMany(MAX_WORDS)));
            return None;
        }
        let mut values = Vec::with_capacity(words.len());
        for (index, word) in words.into_iter().enumerate() {
            match parse(word) {
                Ok(value) => values.push(value),
                Err(violation) => {
                    self.errors.push(FieldError::new(name, violation).in_item(Some(index)).with_input(word));
                }
            }
        }
        (!values.is_empty()).then_some(values)
    }

    /// Whether everything so far is valid.
    pub(crate) fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// Reads a parameter unless another one takes precedence over it: then not even its errors count.
    pub(crate) fn read_unless<T>(
        &mut self,
        is_overridden: bool,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        if is_overridden { None } else { self.read(name, parse) }
    }

    /// Records an error that [`Self::read`] can't find.
    pub(crate) fn fail(&mut self, name: &'static str, violation: Violation) {
        self.errors.push(FieldError::new(name, violation));
    }
}

/// Parses an integer. On overflow it saturates, so that it violates the same bound as any number that is too large.
pub(crate) fn integer(word: &str) -> Result<i64, Violation> {
    word.trim().parse().or_else(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => Ok(i64::MAX),
        IntErrorKind::NegOverflow => Ok(i64::MIN),
        _ => Err(Violation::NotAnInteger),
    })
}
