//! The medians as a picture: bars for each workload, in SVG that needs nothing from elsewhere.

use std::fmt::Write;

use crate::{
    load::workload::Workload,
    measurement::{Load, count},
    report::table::{Report, Row},
    subject::Subject,
};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 48.0;
const CHART: f64 = 200.0;
const TOP: f64 = 56.0;
const GAP: f64 = 74.0;
const BAR: f64 = 26.0;

/// What is drawn of each row, and how high.
struct Chart {
    title: &'static str,
    subjects: &'static [Subject],
    read: fn(&Row) -> Option<f64>,
    digits: usize,
    top: f64,
}

const SPEED: Chart = Chart {
    title: "Requests per second, as a part of pgbench's (the line): 16 connections, higher is better",
    subjects: &[Subject::Floor, Subject::Rest, Subject::GraphQl],
    read: |row| row.of_pgbench,
    digits: 2,
    top: TOP,
};

const CPU: Chart = Chart {
    title: "CPU time of the server for a request, in µs: lower is better",
    subjects: &[Subject::Floor, Subject::Rest, Subject::GraphQl],
    read: |row| row.cell.figures.server_cpu_us,
    digits: 0,
    top: TOP + CHART + GAP,
};

pub fn svg(report: &Report) -> String {
    let height = CPU.top + CHART + 36.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (place, subject) in SPEED.subjects.iter().enumerate() {
        let x = LEFT + 90.0 * count(place);
        rect(&mut svg, x, 10.0, 12.0, 12.0, color(*subject));
        text(&mut svg, x + 18.0, 20.0, "start", subject.name());
    }
    draw(&mut svg, report, &SPEED, Some(1.0));
    draw(&mut svg, report, &CPU, None);
    svg + "</svg>\n"
}

fn draw(svg: &mut String, report: &Report, chart: &Chart, line: Option<f64>) {
    let value = |subject, workload| report.row(subject, workload, Load::Few).and_then(chart.read);
    let workloads: Vec<_> = Workload::ALL
        .into_iter()
        .filter(|workload| chart.subjects.iter().any(|s| value(*s, *workload).is_some()))
        .collect();
    let values = workloads.iter().flat_map(|workload| chart.subjects.iter().filter_map(|s| value(*s, *workload)));
    let highest = values.fold(line.unwrap_or_default(), f64::max);
    let bottom = chart.top + CHART;
    let y = |value: f64| bottom - value / highest * (CHART - 20.0);
    text(svg, LEFT, chart.top - 8.0, "start", chart.title);
    let step = (WIDTH - LEFT) / count(workloads.len().max(1));
    for (place, workload) in workloads.iter().enumerate() {
        let left = LEFT + step * count(place);
        for (place, subject) in chart.subjects.iter().enumerate() {
            let Some(value) = value(*subject, *workload) else { continue };
            let x = left + (BAR + 4.0) * count(place);
            rect(svg, x, y(value), BAR, bottom - y(value), color(*subject));
            text(svg, x + BAR / 2.0, y(value) - 4.0, "middle", &format!("{value:.*}", chart.digits));
        }
        text(svg, left, bottom + 16.0, "start", label(*workload));
    }
    for value in [0.0].into_iter().chain(line) {
        let y = y(value);
        _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{WIDTH}\" stroke=\"#555\"/>");
    }
}

fn label(workload: Workload) -> &'static str {
    match workload {
        Workload::First => "first of 100,000",
        Workload::Deep => "deep in 100,000",
        other => other.name(),
    }
}

fn color(subject: Subject) -> &'static str {
    match subject {
        Subject::Pgbench => "#555",
        Subject::Floor => "#b8b8b8",
        Subject::Rest => "#2f6db5",
        Subject::GraphQl => "#d4478f",
    }
}

fn rect(svg: &mut String, x: f64, y: f64, width: f64, height: f64, color: &str) {
    _ = writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{color}\"/>");
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}
