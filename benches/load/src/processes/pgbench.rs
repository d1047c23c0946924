//! The same transactions, pipelined by pgbench: what the database itself can do.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::cluster::{Cluster, PLANS, POOL_SIZE};
use crate::{
    load::workload::{MIX, Share, Workload},
    measurement::Figures,
    usage::cpu_time_with_children,
};

const THREADS: &str = "2";

pub async fn measure(cluster: &Cluster, workload: Workload, duration: Duration) -> Result<Figures> {
    let mut command = Command::new(cluster.program("pgbench"));
    command.args(["-n", "-M", "prepared", "-c", &POOL_SIZE.to_string(), "-j", THREADS]);
    command.args(["-T", &duration.as_secs().to_string()]);
    let only = [Share { workload, weight: 1 }];
    for Share { workload, weight } in if workload == Workload::Mixed { &MIX[..] } else { &only[..] } {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sql/{workload}.sql"));
        command.args(["-f", &format!("{}@{weight}", script.display())]);
    }
    command.env("PGOPTIONS", PLANS).arg(cluster.url()).stdin(Stdio::null()).kill_on_drop(true);
    let before = cpu_time_with_children(cluster.postmaster)?;
    let output = command.output().await?;
    let used = cpu_time_with_children(cluster.postmaster)?.saturating_sub(before);
    ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let number = |name: &str| -> Result<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.with_context(|| format!("pgbench printed no {name}"))?.parse()?)
    };
    Ok(Figures {
        requests_per_second: number("tps = ")?,
        postgres_cpu_us: used.as_secs_f64() * 1e6 / number("number of transactions actually processed: ")?,
        ..Figures::default()
    })
}
