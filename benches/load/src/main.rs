//! Measures both doors beside `pgbench`, which runs the same transactions on the same data, and beside the floor, a
//! server that does nothing but the transaction. `benches/run` builds and starts it.

mod floor;
mod load;
mod measure;
mod measurement;
mod processes;
mod report;
mod testbed;
mod train;
mod usage;

use anyhow::Result;
use clap::Parser;
use mimalloc::MiMalloc;
use tokio::runtime::Builder;

/// The product's allocator, so that it makes no difference between the floor and the product.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measure Tandem beside pgbench and beside a server that does nothing but the transaction
#[derive(Debug, Parser)]
enum Command {
    /// Measure a server
    Measure(measure::Settings),
    /// Load a server that was built to write a profile, and stop it
    Train(train::Settings),
    /// Serve nothing but the transaction, as the floor that a server is measured beside
    Floor(floor::Settings),
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Measure(settings) => {
            Builder::new_current_thread().enable_all().build()?.block_on(measure::measure(settings))
        }
        Command::Train(settings) => {
            Builder::new_current_thread().enable_all().build()?.block_on(train::train(settings))
        }
        Command::Floor(settings) => Builder::new_multi_thread().enable_all().build()?.block_on(floor::serve(settings)),
    }
}
