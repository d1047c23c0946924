//! What is to be reached. A bar is a ratio within one run where it can be, because times differ from machine to machine.

use std::fmt;

use serde::Serialize;

use crate::{
    load::workload::Workload::{self, Create, Deep, First, List, Mixed, Toggle},
    measurement::{Latency, Load, count},
    report::table::{Row, find},
    subject::Subject::{self, GraphQl, Rest},
};

#[derive(Serialize)]
pub struct Bar {
    name: String,
    at_least: Option<f64>,
    at_most: Option<f64>,
    reached: f64,
}

impl Bar {
    fn is_reached(&self) -> bool {
        self.at_least.is_none_or(|bar| self.reached >= bar) && self.at_most.is_none_or(|bar| self.reached <= bar)
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.at_least.map(|bar| format!("≥ {bar}")).or(self.at_most.map(|bar| format!("≤ {bar}")));
        let verdict = if self.is_reached() { "yes" } else { "**no**" };
        write!(f, "| {} | {} | {:.2} | {verdict} |", self.name, bound.unwrap_or_default(), self.reached)
    }
}

/// The bars for which there are numbers.
pub fn all(rows: &[Row]) -> Vec<Bar> {
    let mut bars = Vec::new();
    for (door, list, cpu) in [(Rest, 0.45, 1.25), (GraphQl, 0.40, 1.6)] {
        for (workload, bar) in [(List, list), (Create, 0.6), (Toggle, 0.6)] {
            let reached = find(rows, door, workload, Load::Few).and_then(|row| row.of_pgbench);
            bars.extend(at_least(door, &format!("{}, of pgbench", workload.name()), bar, reached));
        }
        for workload in Workload::ALL {
            let reached = find(rows, door, workload, Load::Few).and_then(|row| row.of_floor);
            bars.extend(at_most(door, &format!("{}: CPU, of the floor's", workload.name()), cpu, reached));
        }
        for workload in [First, Deep] {
            let reached = rate(rows, door, workload).zip(rate(rows, door, List)).map(|(heavy, light)| heavy / light);
            bars.extend(at_least(
                door,
                &format!("the heavy user's {} page, of a light user's", workload.name()),
                0.8,
                reached,
            ));
        }
        bars.extend(on_many_connections(rows, door));
    }
    bars
}

fn on_many_connections(rows: &[Row], door: Subject) -> Vec<Bar> {
    let figures = |load| find(rows, door, Mixed, load).map(|row| &row.cell.figures);
    let latency = |load, read: fn(Latency) -> f64| figures(load)?.latency.map(read);
    let many = figures(Load::Many);
    [
        at_most(door, "1,000 connections: errors", 0.0, many.map(|figures| count(figures.errors))),
        at_most(door, "1,000 connections: p95, of the mean", 1.5, latency(Load::Many, |l| l.p95 / l.mean)),
        at_most(door, "1,000 connections: memory in MiB", 64.0, many.and_then(|figures| figures.resident_mib)),
        at_most(door, "half capacity, paced: p99 in ms", 25.0, latency(Load::Paced, |l| l.p99)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn rate(rows: &[Row], door: Subject, workload: Workload) -> Option<f64> {
    find(rows, door, workload, Load::Few).map(|row| row.cell.figures.requests_per_second)
}

fn at_least(door: Subject, name: &str, bar: f64, reached: Option<f64>) -> Option<Bar> {
    reached.map(|reached| Bar { name: format!("{}: {name}", door.name()), at_least: Some(bar), at_most: None, reached })
}

fn at_most(door: Subject, name: &str, bar: f64, reached: Option<f64>) -> Option<Bar> {
    reached.map(|reached| Bar { name: format!("{}: {name}", door.name()), at_least: None, at_most: Some(bar), reached })
}
