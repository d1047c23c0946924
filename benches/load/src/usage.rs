//! What processes use, from `/proc`.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};

/// Linux tells times that were waited for in these, whatever its own clock has.
const TICKS_PER_SECOND: u64 = 100;

/// The CPU time of a process so far, all its threads together.
pub fn cpu(process: u32) -> Result<Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).context("the process is gone")?;
    let times = threads.flatten().filter_map(|thread| on_cpu(&thread.path().join("schedstat")));
    Ok(times.sum())
}

/// The CPU time of a process and all its children so far, also of those that have ended.
pub fn cpu_with_children(process: u32) -> Result<Duration> {
    let ended: u64 = stat(process, 13)? + stat(process, 14)?;
    let mut total = cpu(process)? + Duration::from_millis(ended * 1000 / TICKS_PER_SECOND);
    for child in fs::read_dir("/proc")?.flatten() {
        let Some(child) = child.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ends meanwhile is counted with those that have ended, next time.
        if stat(child, 1).is_ok_and(|parent| parent == u64::from(process)) {
            total += cpu(child).unwrap_or_default();
        }
    }
    Ok(total)
}

/// The memory of a process that is in RAM, in bytes.
pub fn resident(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}

/// To the nanosecond, where `stat` has hundredths of a second.
fn on_cpu(schedstat: &Path) -> Option<Duration> {
    let text = fs::read_to_string(schedstat).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// A field of `stat`, counted from the one behind the name, which is the process's state.
fn stat(process: u32, field: usize) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    Ok(fields.split_whitespace().nth(field).context("no such field")?.parse()?)
}
