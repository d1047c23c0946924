//! Medians of the rounds, set beside pgbench and beside the floor, and what they are to reach.

use std::fmt;

use serde::Serialize;

use crate::{
    load::workload::Workload,
    measurement::{Cell, Figures, Latency, Load},
    report::bars::{self, Bar},
    subject::Subject,
};

#[derive(Serialize)]
pub struct Report {
    rounds: usize,
    seconds: u64,
    rows: Vec<Row>,
    bars: Vec<Bar>,
}

/// The medians of one measurement.
#[derive(Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub cell: Cell,
    /// Requests per second, as a part of pgbench's in the same workload.
    pub of_pgbench: Option<f64>,
    /// The server's CPU time, as a multiple of the floor's.
    pub of_floor: Option<f64>,
}

impl Report {
    pub fn new(cells: &[Cell], rounds: usize, seconds: u64) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for load in [Load::Few, Load::Many, Load::Paced] {
            for workload in Workload::ALL {
                rows.extend(Subject::ALL.into_iter().filter_map(|subject| row(cells, subject, workload, load)));
            }
        }
        let bars = bars::all(&rows);
        Self { rounds, seconds, rows, bars }
    }

    pub fn row(&self, subject: Subject, workload: Workload, load: Load) -> Option<&Row> {
        find(&self.rows, subject, workload, load)
    }
}

pub fn find(rows: &[Row], subject: Subject, workload: Workload, load: Load) -> Option<&Row> {
    rows.iter().find(|Row { cell, .. }| (cell.subject, cell.workload, cell.load) == (subject, workload, load))
}

fn row(cells: &[Cell], subject: Subject, workload: Workload, load: Load) -> Option<Row> {
    let of = |subject, load| -> Vec<&Figures> {
        let same = cells.iter().filter(|cell| (cell.subject, cell.workload, cell.load) == (subject, workload, load));
        same.map(|cell| &cell.figures).collect()
    };
    let figures = of(subject, load);
    let median_of = |figures: &[&Figures], read: fn(&Figures) -> Option<f64>| {
        median(figures.iter().filter_map(|figures| read(figures)).collect())
    };
    let rate = |figures: &Figures| Some(figures.requests_per_second);
    let requests_per_second = median_of(&figures, rate)?;
    let server_cpu_us = median_of(&figures, |figures| figures.server_cpu_us);
    let latency =
        |read: fn(&Latency) -> f64| median(figures.iter().filter_map(|f| f.latency.as_ref().map(read)).collect());
    let medians = Figures {
        requests_per_second,
        errors: figures.iter().map(|figures| figures.errors).sum(),
        server_cpu_us,
        postgres_cpu_us: median_of(&figures, |figures| Some(figures.postgres_cpu_us))?,
        resident_mib: median_of(&figures, |figures| figures.resident_mib),
        latency: latency(|l| l.mean)
            .zip(latency(|l| l.p50))
            .zip(latency(|l| l.p95))
            .zip(latency(|l| l.p99))
            .map(|(((mean, p50), p95), p99)| Latency { mean, p50, p95, p99 }),
    };
    let pgbench = median_of(&of(Subject::Pgbench, Load::Few), rate);
    let floor = median_of(&of(Subject::Floor, load), |figures| figures.server_cpu_us);
    Some(Row {
        cell: Cell { subject, workload, load, figures: medians },
        of_pgbench: pgbench.filter(|_| load != Load::Paced).map(|pgbench| requests_per_second / pgbench),
        of_floor: server_cpu_us.zip(floor).map(|(cpu, floor)| cpu / floor),
    })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(*values.get(lower)?, *values.get(upper)?))
}

const HEADER: &str = "\
| workload | load | | requests/s | of pgbench | server CPU µs | of floor | PostgreSQL CPU µs | mean ms | p50 | p95 | p99 | MiB | errors |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

/// A table in Markdown.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "medians of {} rounds of {} s each\n\n{HEADER}", self.rounds, self.seconds)?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        f.write_str("\n| bar | to reach | reached | |\n| --- | ---: | ---: | --- |\n")?;
        self.bars.iter().try_for_each(|bar| writeln!(f, "{bar}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cell { subject, workload, load, figures } = &self.cell;
        let number =
            |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
        let latency = |read: fn(Latency) -> f64| number(figures.latency.map(read), 1);
        let columns = [
            workload.name().to_owned(),
            load.name().to_owned(),
            subject.name().to_owned(),
            number(Some(figures.requests_per_second), 0),
            number(self.of_pgbench, 2),
            number(figures.server_cpu_us, 1),
            number(self.of_floor, 2),
            number(Some(figures.postgres_cpu_us), 1),
            latency(|l| l.mean),
            latency(|l| l.p50),
            latency(|l| l.p95),
            latency(|l| l.p99),
            number(figures.resident_mib, 0),
            figures.errors.to_string(),
        ];
        write!(f, "| {} |", columns.join(" | "))
    }
}
