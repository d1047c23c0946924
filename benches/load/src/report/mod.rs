//! What comes of a run: medians in a table, and the bars they reach.

mod bars;
pub mod chart;
mod table;

use std::fmt;

use serde::Serialize;

use self::{bars::Bar, table::Table};
use crate::measurement::Measurement;

/// Markdown when it is printed.
#[derive(Serialize)]
pub struct Report {
    rounds: usize,
    seconds: u64,
    #[serde(rename = "rows")]
    pub table: Table,
    bars: Vec<Bar>,
}

impl Report {
    pub fn new(measurements: &[Measurement], rounds: usize, seconds: u64) -> Self {
        let table = Table::new(measurements);
        let bars = bars::all(&table);
        Self { rounds, seconds, table, bars }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, seconds, table, bars } = self;
        write!(f, "medians of {rounds} rounds of {seconds} s each\n\n{table}\n")?;
        f.write_str("| bar | to reach | reached | |\n| --- | ---: | ---: | --- |\n")?;
        bars.iter().try_for_each(|bar| writeln!(f, "{bar}"))
    }
}
