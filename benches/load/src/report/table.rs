//! The medians of the rounds, beside those of pgbench and of the floor.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use crate::{
    load::workload::{Load, Workload},
    measurement::{Case, Figures, Latency, Measurement, Subject},
};

/// Its rows are sorted by load, workload and subject.
#[derive(Serialize)]
pub struct Table(Vec<Row>);

#[derive(Serialize)]
pub struct Row {
    #[serde(flatten)]
    case: Case,
    /// Medians, but for the errors, which are added up.
    pub figures: Figures,
    /// Requests per second, as a share of pgbench's for the same workload.
    pub of_pgbench: Option<f64>,
    /// The server's CPU time, as a multiple of the floor's in the same case.
    pub of_floor: Option<f64>,
}

impl Table {
    pub fn new(measurements: &[Measurement]) -> Self {
        let mut rows = Vec::new();
        for load in [Load::Few, Load::Many, Load::Paced] {
            for &workload in Workload::value_variants() {
                let medians_of = |subject, load| medians(measurements, Case { subject, workload, load });
                let pgbench = medians_of(Subject::Pgbench, Load::Few).filter(|_| load != Load::Paced);
                let floor = medians_of(Subject::Floor, load).and_then(|floor| floor.server_cpu_us);
                for subject in Subject::ALL {
                    let Some(figures) = medians_of(subject, load) else { continue };
                    rows.push(Row {
                        case: Case { subject, workload, load },
                        of_pgbench: pgbench.as_ref().map(|p| figures.requests_per_second / p.requests_per_second),
                        of_floor: figures.server_cpu_us.zip(floor).map(|(cpu, floor)| cpu / floor),
                        figures,
                    });
                }
            }
        }
        Self(rows)
    }

    /// The row of a case that was measured.
    pub fn row(&self, subject: Subject, workload: Workload, load: Load) -> Option<&Row> {
        self.0.iter().find(|row| row.case == Case { subject, workload, load })
    }
}

fn medians(measurements: &[Measurement], case: Case) -> Option<Figures> {
    let rounds: Vec<_> = measurements.iter().filter(|m| m.case == case).map(|m| &m.figures).collect();
    let median = |read: fn(&Figures) -> Option<f64>| {
        let mut values: Vec<_> = rounds.iter().copied().filter_map(read).collect();
        values.sort_by(f64::total_cmp);
        let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
        Some(f64::midpoint(*values.get(lower)?, *values.get(upper)?))
    };
    let latency = || {
        Some(Latency {
            mean: median(|figures| Some(figures.latency?.mean))?,
            p50: median(|figures| Some(figures.latency?.p50))?,
            p95: median(|figures| Some(figures.latency?.p95))?,
            p99: median(|figures| Some(figures.latency?.p99))?,
        })
    };
    Some(Figures {
        requests_per_second: median(|figures| Some(figures.requests_per_second))?,
        errors: rounds.iter().map(|figures| figures.errors).sum(),
        server_cpu_us: median(|figures| figures.server_cpu_us),
        postgres_cpu_us: median(|figures| Some(figures.postgres_cpu_us))?,
        resident_mib: median(|figures| figures.resident_mib),
        latency: latency(),
    })
}

const HEADER: &str = "\
| workload | load | | requests/s | of pgbench | server CPU µs | of floor | PostgreSQL CPU µs | mean ms | p50 | p95 | p99 | MiB | errors |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case: Case { subject, workload, load }, figures, of_pgbench, of_floor } = self;
        let Figures { requests_per_second, errors, server_cpu_us, postgres_cpu_us, resident_mib, latency } = figures;
        let number =
            |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
        write!(f, "| {workload} | {load} | {subject} | {requests_per_second:.0} | {} |", number(*of_pgbench, 2))?;
        write!(f, " {} | {} | {postgres_cpu_us:.1} |", number(*server_cpu_us, 1), number(*of_floor, 2))?;
        match latency {
            Some(Latency { mean, p50, p95, p99 }) => write!(f, " {mean:.1} | {p50:.1} | {p95:.1} | {p99:.1} |")?,
            None => f.write_str("  |  |  |  |")?,
        }
        write!(f, " {} | {errors} |", number(*resident_mib, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(subject: Subject, load: Load, requests_per_second: f64, server_cpu_us: Option<f64>) -> Measurement {
        let figures = Figures { requests_per_second, server_cpu_us, errors: 1, ..Figures::default() };
        Measurement { case: Case { subject, workload: Workload::List, load }, figures }
    }

    #[test]
    fn a_row_has_the_medians_of_its_rounds_and_the_sum_of_their_errors() {
        let rounds = [3.0, 9.0, 1.0, 5.0].map(|rate| measured(Subject::Rest, Load::Few, rate, Some(rate * 2.0)));
        let table = Table::new(&rounds);
        let figures = &table.row(Subject::Rest, Workload::List, Load::Few).unwrap().figures;
        assert_eq!((figures.requests_per_second, figures.server_cpu_us, figures.errors), (4.0, Some(8.0), 4));
        assert_eq!(figures.latency, None);

        let table = Table::new(&rounds[..3]);
        let figures = &table.row(Subject::Rest, Workload::List, Load::Few).unwrap().figures;
        assert_eq!((figures.requests_per_second, figures.errors), (3.0, 3));
    }

    #[test]
    fn a_row_is_compared_with_pgbench_and_with_the_floor_under_the_same_load() {
        let table = Table::new(&[
            measured(Subject::GraphQl, Load::Many, 50.0, Some(60.0)),
            measured(Subject::GraphQl, Load::Paced, 25.0, Some(60.0)),
            measured(Subject::Pgbench, Load::Few, 200.0, None),
            measured(Subject::Floor, Load::Few, 100.0, Some(10.0)),
            measured(Subject::Floor, Load::Many, 100.0, Some(20.0)),
        ]);
        let compared = |subject, load| {
            let row = table.row(subject, Workload::List, load).unwrap();
            (row.of_pgbench, row.of_floor)
        };
        assert_eq!(compared(Subject::GraphQl, Load::Many), (Some(0.25), Some(3.0)));
        // A rate that is given says nothing about speed.
        assert_eq!(compared(Subject::GraphQl, Load::Paced), (None, None));
        assert_eq!(compared(Subject::Pgbench, Load::Few), (Some(1.0), None));
        assert_eq!(compared(Subject::Floor, Load::Few), (Some(0.5), Some(1.0)));
    }

    #[test]
    fn every_row_has_the_columns_of_the_header() {
        let mut full = measured(Subject::Rest, Load::Few, 50.0, Some(20.0));
        full.figures.latency = Some(Latency { mean: 1.0, p50: 2.0, p95: 3.0, p99: 4.0 });
        full.figures.resident_mib = Some(5.0);
        let text = Table::new(&[full, measured(Subject::Pgbench, Load::Few, 200.0, None)]).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[2], "| list | 16 | pgbench | 200 | 1.00 |  |  | 0.0 |  |  |  |  |  | 1 |");
        assert_eq!(lines[3], "| list | 16 | REST | 50 | 0.25 | 20.0 |  | 0.0 | 1.0 | 2.0 | 3.0 | 4.0 | 5 | 1 |");
        assert!(lines.iter().all(|line| line.matches('|').count() == lines[0].matches('|').count()));
    }
}
