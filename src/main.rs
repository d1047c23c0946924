//! The command line.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use tandem::cli::Cli;

/// Requests make many small allocations, often freed on another thread. Version 2 returns memory after 10 ms, version 3 only
/// after a second; without huge pages, unused parts of them are returned too. `docs/PERFORMANCE.md` has the figures.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Before any thread starts, because changing the environment later would be unsound.
    if let Err(error) = dotenvy::from_path(".env")
        && !error.not_found()
    {
        eprintln!("tandem: .env: {error}");
        return ExitCode::FAILURE;
    }
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(errors) => {
            eprintln!("tandem: {errors}");
            return ExitCode::FAILURE;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tandem: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli.run()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tandem: {}", error.report());
            ExitCode::FAILURE
        }
    }
}
