//! Errors sent to clients, including those in GraphQL responses with status 200.

use metrics::{Counter, counter};

use super::{family::Family, recorder};
use crate::telemetry::GRAPHQL;

pub(super) const ERRORS: &str = "tandem_errors_total";

#[derive(Default)]
pub(super) struct Errors {
    graphql: Family<String, Counter>,
    rest: Family<String, Counter>,
}

/// Counts an error by its code.
pub(crate) fn failed(door: &'static str, code: &str) {
    let Some(recorder) = recorder() else { return };
    let errors = if door == GRAPHQL { &recorder.errors.graphql } else { &recorder.errors.rest };
    let register = || (code.to_owned(), counter!(ERRORS, "door" => door, "code" => code.to_owned()));
    errors.with(code, register, |counter| counter.increment(1));
}
