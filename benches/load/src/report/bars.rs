//! What is to be reached. A bar is a ratio within one run where it can be, because times differ from machine to machine.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use self::Bound::{AtLeast, AtMost};
use super::table::Table;
use crate::{
    load::workload::{
        Load::{Few, Many, Paced},
        Workload::{self, Create, Deep, First, List, Mixed, Toggle},
    },
    measurement::Subject::{self, GraphQl, Rest},
};

#[derive(Serialize)]
pub struct Bar {
    name: String,
    #[serde(flatten)]
    bound: Bound,
    reached: f64,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// Bars that differ between the doors.
struct Goals {
    door: Subject,
    list_of_pgbench: f64,
    cpu_of_floor: f64,
}

const GOALS: [Goals; 2] = [
    Goals { door: Rest, list_of_pgbench: 0.45, cpu_of_floor: 1.25 },
    Goals { door: GraphQl, list_of_pgbench: 0.40, cpu_of_floor: 1.6 },
];

/// The bars of everything that was measured.
pub fn all(table: &Table) -> Vec<Bar> {
    let mut bars = Vec::new();
    for Goals { door, list_of_pgbench, cpu_of_floor } in GOALS {
        let row = |workload, load| table.row(door, workload, load);
        let mut bar = |name: &str, bound: Bound, reached: Option<f64>| {
            bars.extend(reached.map(|reached| Bar { name: format!("{door} {name}"), bound, reached }));
        };

        for (workload, share) in [(List, list_of_pgbench), (Create, 0.6), (Toggle, 0.6)] {
            let reached = row(workload, Few).and_then(|row| row.of_pgbench);
            bar(&format!("{workload}: requests/s, of pgbench"), AtLeast(share), reached);
        }
        for &workload in Workload::value_variants() {
            let reached = row(workload, Few).and_then(|row| row.of_floor);
            bar(&format!("{workload}: server CPU, of the floor"), AtMost(cpu_of_floor), reached);
        }
        let rate = |workload| row(workload, Few).map(|row| row.figures.requests_per_second);
        for workload in [First, Deep] {
            let reached = rate(workload).zip(rate(List)).map(|(heavy_user, light_user)| heavy_user / light_user);
            bar(&format!("{workload}: requests/s, of a light user's list"), AtLeast(0.8), reached);
        }

        let many = row(Mixed, Many).map(|row| &row.figures);
        let latency = many.and_then(|figures| figures.latency);
        let memory = many.and_then(|figures| figures.resident_mib);
        bar("over 1,000 connections: errors", AtMost(0.0), many.map(|figures| figures.errors.into()));
        bar("over 1,000 connections: p95, of the mean", AtMost(1.5), latency.map(|latency| latency.p95 / latency.mean));
        bar("over 1,000 connections: memory in MiB", AtMost(64.0), memory);
        let paced = row(Mixed, Paced).and_then(|row| row.figures.latency);
        bar("at half of that rate: p99 in ms", AtMost(25.0), paced.map(|latency| latency.p99));
    }
    bars
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, bound, reached } = self;
        let (bound, is_reached) = match bound {
            AtLeast(bound) => (format!("≥ {bound}"), reached >= bound),
            AtMost(bound) => (format!("≤ {bound}"), reached <= bound),
        };
        let verdict = if is_reached { "yes" } else { "**no**" };
        write!(f, "| {name} | {bound} | {reached:.2} | {verdict} |")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::workload::Load,
        measurement::{Case, Figures, Latency, Measurement},
    };

    fn measured(subject: Subject, workload: Workload, load: Load, figures: Figures) -> Measurement {
        Measurement { case: Case { subject, workload, load }, figures }
    }

    fn printed(measurements: &[Measurement]) -> Vec<String> {
        all(&Table::new(measurements)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_what_was_measured_has_bars() {
        assert_eq!(printed(&[]), [""; 0]);
        let rate = |requests_per_second| Figures { requests_per_second, ..Figures::default() };
        let list = measured(Rest, List, Few, rate(45.0));
        assert_eq!(printed(&[list]), [""; 0]);
    }

    #[test]
    fn a_bar_is_reached_on_its_bound_and_missed_beyond_it() {
        let figures =
            |requests_per_second, cpu| Figures { requests_per_second, server_cpu_us: Some(cpu), ..Figures::default() };
        let with = |rate, cpu| {
            printed(&[
                measured(Subject::Pgbench, List, Few, Figures { requests_per_second: 100.0, ..Figures::default() }),
                measured(Subject::Floor, List, Few, figures(50.0, 100.0)),
                measured(Rest, List, Few, figures(rate, cpu)),
            ])
        };
        assert_eq!(
            with(45.0, 125.0),
            [
                "| REST list: requests/s, of pgbench | ≥ 0.45 | 0.45 | yes |",
                "| REST list: server CPU, of the floor | ≤ 1.25 | 1.25 | yes |",
            ]
        );
        assert_eq!(
            with(44.0, 126.0),
            [
                "| REST list: requests/s, of pgbench | ≥ 0.45 | 0.44 | **no** |",
                "| REST list: server CPU, of the floor | ≤ 1.25 | 1.26 | **no** |",
            ]
        );
    }

    #[test]
    fn many_connections_are_judged_by_errors_latency_and_memory() {
        let figures = |errors, p95, p99| Figures {
            errors,
            resident_mib: Some(64.0),
            latency: Some(Latency { mean: 10.0, p50: 10.0, p95, p99 }),
            ..Figures::default()
        };
        let bars = printed(&[
            measured(GraphQl, Mixed, Many, figures(1, 16.0, 99.0)),
            measured(GraphQl, Mixed, Paced, figures(0, 10.0, 25.0)),
        ]);
        assert_eq!(
            bars,
            [
                "| GraphQL over 1,000 connections: errors | ≤ 0 | 1.00 | **no** |",
                "| GraphQL over 1,000 connections: p95, of the mean | ≤ 1.5 | 1.60 | **no** |",
                "| GraphQL over 1,000 connections: memory in MiB | ≤ 64 | 64.00 | yes |",
                "| GraphQL at half of that rate: p99 in ms | ≤ 25 | 25.00 | yes |",
            ]
        );
    }
}
