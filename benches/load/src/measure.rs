//! `measure`: every workload of every subject, in rounds.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{
    load::workload::{Load, Workload},
    measurement::{Case, Measurement, Subject},
    report::{Report, chart},
    testbed::Testbed,
};

const ON_MANY_CONNECTIONS: [Workload; 2] = [Workload::List, Workload::Mixed];

#[derive(clap::Args, Debug)]
pub struct Settings {
    /// The server to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/tandem")]
    server: PathBuf,
    /// How often everything is measured
    #[arg(long, value_name = "NUMBER", default_value = "3")]
    rounds: usize,
    /// How long each measurement takes
    #[arg(long, value_name = "SECONDS", default_value = "2")]
    seconds: u64,
    /// Only these workloads, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<Workload>,
    /// Leave out 1,000 connections and the paced load
    #[arg(long)]
    few_connections: bool,
    /// Where to write the figures
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where to draw them
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Prints a report, and writes the files that were asked for.
pub async fn measure(settings: Settings) -> Result<()> {
    let duration = Duration::from_secs(settings.seconds);
    let testbed = Testbed::start(&settings.server, duration, "warn").await?;
    // The testbed is removed when it is dropped, which Ctrl-C would not do.
    let measurements = tokio::select! {
        measurements = run_rounds(&testbed, &settings) => measurements?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            bail!("interrupted");
        }
    };
    let report = Report::new(&measurements, settings.rounds, settings.seconds);
    print!("{report}");
    if let Some(file) = &settings.json {
        fs::write(file, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    if let Some(file) = &settings.svg {
        fs::write(file, chart::svg(&report.table))?;
    }
    Ok(())
}

/// The first subject changes from one workload to the next, and from round to round.
async fn run_rounds(testbed: &Testbed, settings: &Settings) -> Result<Vec<Measurement>> {
    let loads: &[Load] = if settings.few_connections { &[Load::Few] } else { &[Load::Few, Load::Many] };
    let mut measurements = Vec::new();
    for round in 0..settings.rounds {
        eprintln!("round {}", round + 1);
        testbed.restore().await?;
        for &load in loads {
            let workloads = if load == Load::Few { Workload::value_variants() } else { &ON_MANY_CONNECTIONS };
            let wanted = workloads.iter().filter(|name| settings.only.is_empty() || settings.only.contains(name));
            for (turn, &workload) in wanted.enumerate() {
                let mut subjects = Subject::ALL;
                subjects.rotate_left((round + turn) % Subject::ALL.len());
                for subject in subjects.into_iter().filter(|subject| subject.supports(workload, load)) {
                    let closed = testbed.measure(Case { subject, workload, load }, None).await?;
                    let half = closed.figures.requests_per_second / 2.0;
                    measurements.push(closed);
                    if (workload, load) == (Workload::Mixed, Load::Many) {
                        let paced = Case { subject, workload, load: Load::Paced };
                        measurements.push(testbed.measure(paced, Some(half)).await?);
                    }
                }
            }
        }
    }
    Ok(measurements)
}
