//! What processes use, from `/proc`.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// The unit of times in `/proc/*/stat`: `USER_HZ`, whatever the kernel's own clock has.
const TICKS_PER_SECOND: u64 = 100;

/// CPU times of a server, and of all of PostgreSQL's processes.
pub struct CpuTimes {
    pub server: Duration,
    pub postgres: Duration,
}

impl CpuTimes {
    /// Those so far, by the ids of the two processes.
    pub fn read(server: u32, postmaster: u32) -> Result<Self> {
        Ok(Self { server: cpu_time(server)?, postgres: cpu_time_with_children(postmaster)? })
    }

    pub fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }
}

/// The CPU time of a process so far, of all its threads, to the nanosecond: `stat` has hundredths of a second.
fn cpu_time(process: u32) -> Result<Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).context("the process has exited")?;
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let schedstat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedstat.split(' ').next()?.parse::<u64>().ok()
    });
    Ok(Duration::from_nanos(nanoseconds.sum()))
}

/// The CPU time so far of a process and all its children, including those that have exited.
pub fn cpu_time_with_children(process: u32) -> Result<Duration> {
    let exited: u64 = stat(process, 13)? + stat(process, 14)?;
    let mut total = cpu_time(process)? + Duration::from_millis(exited * 1000 / TICKS_PER_SECOND);
    for child in fs::read_dir("/proc")?.flatten() {
        let Some(child) = child.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that exits meanwhile is counted with those that have exited, next time.
        if stat(child, 1).is_ok_and(|parent| parent == u64::from(process)) {
            total += cpu_time(child).unwrap_or_default();
        }
    }
    Ok(total)
}

/// A field of `stat`, counted from the process's state, which is behind its name.
fn stat(process: u32, field: usize) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    Ok(fields.split_whitespace().nth(field).context("a field missing in stat")?.parse()?)
}

/// The resident memory of a process in MiB.
pub fn resident_mib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in status")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
