//! The medians as a chart: bars for each workload, in an SVG that refers to nothing outside of itself.

use std::fmt::Write;

use clap::ValueEnum;

use super::table::{Row, Table};
use crate::{
    load::workload::{Load, Workload},
    measurement::Subject,
};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 48.0;
const PANEL: f64 = 200.0;
const TOP: f64 = 56.0;
const GAP: f64 = 74.0;
const BAR: f64 = 26.0;
/// Seven of them beside each other.
const COLUMN: f64 = (WIDTH - LEFT) / 7.0;

struct Series {
    subject: Subject,
    color: &'static str,
}

const SERIES: [Series; 3] = [
    Series { subject: Subject::Floor, color: "#b8b8b8" },
    Series { subject: Subject::Rest, color: "#2f6db5" },
    Series { subject: Subject::GraphQl, color: "#d4478f" },
];

/// What is drawn of each row, and where.
struct Panel {
    title: &'static str,
    read: fn(&Row) -> Option<f64>,
    digits: usize,
    top: f64,
    /// A value with a line of its own.
    line: Option<f64>,
}

const SPEED: Panel = Panel {
    title: "Requests per second, as a share of pgbench's (the line): 16 connections, higher is better",
    read: |row| row.of_pgbench,
    digits: 2,
    top: TOP,
    line: Some(1.0),
};

const CPU: Panel = Panel {
    title: "CPU time of the server for a request, in µs: lower is better",
    read: |row| row.figures.server_cpu_us,
    digits: 0,
    top: TOP + PANEL + GAP,
    line: None,
};

pub fn svg(table: &Table) -> String {
    let height = CPU.top + PANEL + 36.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let mut x = LEFT;
    for Series { subject, color } in SERIES {
        rect(&mut svg, x, 10.0, 12.0, 12.0, color);
        text(&mut svg, x + 18.0, 20.0, "start", &subject.to_string());
        x += 90.0;
    }
    for panel in [SPEED, CPU] {
        draw(&mut svg, table, &panel);
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, table: &Table, panel: &Panel) {
    let value = |subject, workload| table.row(subject, workload, Load::Few).and_then(panel.read);
    let has_values = |workload: &&Workload| SERIES.iter().any(|series| value(series.subject, **workload).is_some());
    let workloads: Vec<_> = Workload::value_variants().iter().filter(has_values).collect();
    let values = workloads.iter().flat_map(|w| SERIES.iter().filter_map(|series| value(series.subject, **w)));
    let highest = values.fold(panel.line.unwrap_or_default(), f64::max);
    let bottom = panel.top + PANEL;
    let y = |value: f64| bottom - value / highest * (PANEL - 20.0);

    text(svg, LEFT, panel.top - 8.0, "start", panel.title);
    let mut left = LEFT;
    for &&workload in &workloads {
        let mut x = left;
        for Series { subject, color } in SERIES {
            if let Some(value) = value(subject, workload) {
                rect(svg, x, y(value), BAR, bottom - y(value), color);
                text(svg, x + BAR / 2.0, y(value) - 4.0, "middle", &format!("{value:.*}", panel.digits));
            }
            x += BAR + 4.0;
        }
        let label = match workload {
            Workload::First => "first of 100,000".to_owned(),
            Workload::Deep => "deep in 100,000".to_owned(),
            other => other.to_string(),
        };
        text(svg, left, bottom + 16.0, "start", &label);
        left += COLUMN;
    }
    for value in [0.0].into_iter().chain(panel.line) {
        _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{WIDTH}\" stroke=\"#555\"/>", y = y(value));
    }
}

fn rect(svg: &mut String, x: f64, y: f64, width: f64, height: f64, color: &str) {
    _ = writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{color}\"/>");
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}
