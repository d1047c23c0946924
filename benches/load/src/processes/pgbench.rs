//! The same transactions, pipelined by pgbench: what the database itself can do.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::{
    load::workload::{MIX, Workload},
    processes::cluster::{Cluster, PLANS},
};

/// As many connections as the server's pool has.
const CLIENTS: &str = "16";
const THREADS: &str = "2";

pub struct Outcome {
    pub per_second: f64,
    pub transactions: f64,
}

pub async fn run(cluster: &Cluster, workload: Workload, duration: Duration) -> Result<Outcome> {
    let mut command = Command::new(cluster.program("pgbench"));
    command.args(["-n", "-M", "prepared", "-c", CLIENTS, "-j", THREADS, "-T", &duration.as_secs().to_string()]);
    for script in scripts(workload) {
        command.args(["-f", &script]);
    }
    command.env("PGOPTIONS", PLANS);
    let output = command.arg(cluster.url()).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let number = |name: &str| -> Result<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        Ok(line.split_whitespace().next().context("no number")?.parse()?)
    };
    Ok(Outcome { per_second: number("tps = ")?, transactions: number("number of transactions actually processed: ")? })
}

/// Those of a workload, with their weights.
fn scripts(workload: Workload) -> Vec<String> {
    let script = |workload: Workload, weight: u32| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql").join(workload.name()).with_extension("sql");
        format!("{}@{weight}", file.display())
    };
    match workload {
        Workload::Mixed => MIX.map(|(workload, parts)| script(workload, parts)).to_vec(),
        workload => vec![script(workload, 1)],
    }
}
