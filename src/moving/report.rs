//! What an import tells its operator, as it goes: what was found, each thing that doesn't fit, and how many tasks there were.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde_json::Value;

use super::{
    mapping::{Flaw, Mapped, Mapping},
    record::Record,
    sources::Source,
    values::is_empty,
};
use crate::task::{ImportedTask, rfc3339};

/// How many tasks are shown.
const SAMPLES: usize = 10;
/// How much of a value is shown, in characters.
const MAX_VALUE: usize = 60;

pub(super) struct Report<W> {
    out: W,
    samples: Vec<String>,
    /// How many values each unknown column has.
    unknown: BTreeMap<String, u64>,
}

impl<W: Write> Report<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, samples: Vec::new(), unknown: BTreeMap::new() }
    }

    /// What was found.
    pub(super) fn begin(&mut self, source: &Source, mapping: &Mapping) -> io::Result<()> {
        writeln!(self.out, "{}: {} records", source.name(), source.count())?;
        for (field, column) in mapping.found() {
            let new = if field == "version" { ": not kept, each begins with 1" } else { "" };
            writeln!(self.out, "  {field:<14}{column}{new}")?;
        }
        if let Some(table) = source.tag_table() {
            writeln!(self.out, "  {:<14}of the table {table}", "tags")?;
        }
        if !mapping.unknown.is_empty() {
            writeln!(self.out, "  UNKNOWN       {}: not kept", mapping.unknown.join(", "))?;
        }
        for table in source.others() {
            writeln!(self.out, "  UNKNOWN       table {table}: not read")?;
        }
        Ok(())
    }

    /// Counts the values that no field has.
    pub(super) fn count_unknown(&mut self, record: &Record, mapping: &Mapping) {
        for column in &mapping.unknown {
            if record.values.get(column).is_some_and(|value| !is_empty(value)) {
                *self.unknown.entry(column.clone()).or_default() += 1;
            }
        }
    }

    /// A record that doesn't fit, and each reason.
    pub(super) fn left_out(&mut self, place: &str, flaws: &[Flaw]) -> io::Result<()> {
        flaws.iter().try_for_each(|flaw| self.line("left out", place, flaw))
    }

    /// A task that is left out for another reason than its values.
    pub(super) fn left_out_because(&mut self, place: &str, reason: &str) -> io::Result<()> {
        writeln!(self.out, "left out: {place}: {reason}")
    }

    /// A task that was made to fit.
    pub(super) fn changed(&mut self, place: &str, changes: &[Flaw]) -> io::Result<()> {
        changes.iter().try_for_each(|change| self.line("changed", place, change))
    }

    fn line(&mut self, verb: &str, place: &str, Flaw { column, value, reason }: &Flaw) -> io::Result<()> {
        if column.is_empty() {
            return writeln!(self.out, "{verb}: {place}: {reason}");
        }
        let value = if value.is_null() { String::new() } else { format!(": {}", shown(value)) };
        writeln!(self.out, "{verb}: {place}: {column}: {reason}{value}")
    }

    /// Keeps the first ones.
    pub(super) fn sample(&mut self, mapped: &Mapped) {
        if self.samples.len() < SAMPLES {
            let ImportedTask { id, state, created_at, .. } = &mapped.task;
            let is_done = if state.completed { "[x]" } else { "[ ]" };
            let title = shown(&state.title.as_str().into());
            let mut sample = vec![format!("  {} {id} {is_done} {title} {}", mapped.user.id(), state.priority.word())];
            sample.extend(state.due.as_ref().map(|due| format!("due {}", due.to_rest())));
            sample.extend(state.tags.clone().into_parts().0.into_iter().map(|tag| format!("#{tag}")));
            sample.push(format!("created {}", rfc3339(*created_at)));
            self.samples.push(sample.join(" "));
        }
    }

    /// The samples, what isn't kept, and these lines.
    pub(super) fn end(&mut self, lines: &[String]) -> io::Result<()> {
        if !self.samples.is_empty() {
            writeln!(self.out, "the first {}:\n{}", self.samples.len(), self.samples.join("\n"))?;
        }
        for (column, count) in &self.unknown {
            writeln!(self.out, "UNKNOWN: {count} values of {column} are not kept")?;
        }
        lines.iter().try_for_each(|line| writeln!(self.out, "{line}"))?;
        self.out.flush()
    }
}

/// A value on one line, and not all of a long one.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= MAX_VALUE {
        return text;
    }
    text.chars().take(MAX_VALUE).collect::<String>() + "…"
}
