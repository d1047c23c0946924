//! Measures both doors beside `pgbench`, which runs the same transactions on the same data, and beside the floor, a
//! server that does nothing but the transaction. `benches/run` builds and starts it.

mod floor;
mod load;
mod measurement;
mod processes;
mod report;
mod subject;
mod testbed;
mod train;
mod usage;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::Result;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

use crate::{report::table::Report, testbed::Session};

/// The product's allocator, so that the floor is not lower or higher for another one.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measure Tandem beside pgbench and beside a server that does nothing but the transaction
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure a server's binary
    Measure(Settings),
    /// Load a server that was built to write a profile, and stop it
    Train(train::Settings),
    /// Be the floor: serve with nothing but the transaction
    Floor(floor::Settings),
}

/// How a run goes.
#[derive(clap::Args, Debug)]
struct Settings {
    /// The server to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/tandem")]
    server: PathBuf,
    /// How often everything is measured, in turns
    #[arg(long, value_name = "NUMBER", default_value = "3")]
    rounds: usize,
    /// How long each measurement takes
    #[arg(long, value_name = "SECONDS", default_value = "2")]
    seconds: u64,
    /// Only these workloads, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Leave out 1,000 connections and the paced load
    #[arg(long)]
    few_connections: bool,
    /// Where to write the numbers
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where to draw them
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

fn main() -> Result<()> {
    let alone = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match Args::parse().command {
        Command::Measure(settings) => alone()?.block_on(measure(settings)),
        Command::Train(settings) => alone()?.block_on(train::train(settings)),
        Command::Floor(settings) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(floor::serve(settings))
        }
    }
}

async fn measure(settings: Settings) -> Result<()> {
    let mut session = Session::start(&settings.server, Duration::from_secs(settings.seconds), "warn").await?;
    let measured = tokio::select! {
        measured = session.rounds(&settings) => measured,
        interrupted = tokio::signal::ctrl_c() => Err(interrupted.err().map_or_else(|| anyhow::anyhow!("interrupted"), Into::into)),
    };
    let report = Report::new(&measured?, settings.rounds, settings.seconds);
    print!("{report}");
    if let Some(file) = &settings.json {
        fs::write(file, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    if let Some(file) = &settings.svg {
        fs::write(file, report::chart::svg(&report))?;
    }
    Ok(())
}
