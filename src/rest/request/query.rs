//! Query strings, read parameter by parameter, with all errors collected.

use std::{
    borrow::Cow,
    num::{IntErrorKind, ParseIntError},
};

use url::form_urlencoded;

use crate::task::{FieldError, Violation};

/// A query string, and the errors found in it so far.
pub(in crate::rest) struct QueryString<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    errors: Vec<FieldError>,
}

impl<'a> QueryString<'a> {
    pub(in crate::rest) fn parse(query: &'a str) -> Self {
        Self { pairs: form_urlencoded::parse(query.as_bytes()).collect(), errors: Vec::new() }
    }

    /// What was found wrong, all of it.
    pub(in crate::rest) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// The same query without these parameters.
    pub(in crate::rest) fn without(&self, names: &[&str]) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| !names.contains(&name.as_ref()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }

    /// The last value of a parameter; an empty one counts as omitted.
    pub(in crate::rest) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        let (_, value) = self.pairs.iter().rev().find(|(key, _)| key == name)?;
        if value.is_empty() && name != "cursor" {
            return None;
        }
        parse(value).map_err(|violation| self.errors.push(FieldError::new(name, violation).given(value.as_ref()))).ok()
    }

    pub(in crate::rest) fn unless<T>(
        &mut self,
        is_overridden: bool,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        if is_overridden { None } else { self.read(name, parse) }
    }

    pub(in crate::rest) fn reject(&mut self, name: &'static str, violation: Violation) {
        self.errors.push(FieldError::new(name, violation));
    }
}

/// A number that overflows breaks the same rule as the largest one.
pub(in crate::rest) fn integer(word: &str) -> Result<i64, Violation> {
    word.trim().parse().or_else(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => Ok(i64::MAX),
        IntErrorKind::NegOverflow => Ok(i64::MIN),
        _ => Err(Violation::NotAnInteger),
    })
}
