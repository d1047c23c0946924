//! One measurement: what is measured, and the figures that come of it.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::load::{
    requests::Door,
    workload::{Load, Workload},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Pgbench,
    Floor,
    /// The product, through this door.
    Rest,
    GraphQl,
}

impl Subject {
    pub const ALL: [Self; 4] = [Self::Pgbench, Self::Floor, Self::Rest, Self::GraphQl];

    /// How it is asked, if it is a server.
    pub fn door(self) -> Option<Door> {
        match self {
            Self::Pgbench => None,
            Self::Floor | Self::Rest => Some(Door::Rest),
            Self::GraphQl => Some(Door::GraphQl),
        }
    }

    pub fn supports(self, workload: Workload, load: Load) -> bool {
        match self {
            // A process for each connection would be another comparison.
            Self::Pgbench => load == Load::Few,
            // It has no cursors.
            Self::Floor => workload != Workload::Deep,
            Self::Rest | Self::GraphQl => true,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pgbench => "pgbench",
            Self::Floor => "floor",
            Self::Rest => "REST",
            Self::GraphQl => "GraphQL",
        })
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    pub subject: Subject,
    pub workload: Workload,
    pub load: Load,
}

pub struct Measurement {
    pub case: Case,
    pub figures: Figures,
}

/// What was measured. Only servers have all of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    pub requests_per_second: f64,
    pub errors: u32,
    /// Per request, as PostgreSQL's.
    pub server_cpu_us: Option<f64>,
    pub postgres_cpu_us: f64,
    pub resident_mib: Option<f64>,
    pub latency: Option<Latency>,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    pub mean: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

impl Latency {
    /// Of at least one request.
    pub fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let percentile = |percent| times.get(times.len() * percent / 100).or(times.last()).copied().map(milliseconds);
        let mean = times.iter().sum::<Duration>().checked_div(u32::try_from(times.len()).ok()?)?;
        Some(Self { mean: milliseconds(mean), p50: percentile(50)?, p95: percentile(95)?, p99: percentile(99)? })
    }
}

/// A line of progress.
impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { subject, workload, load } = self.case;
        let Figures { requests_per_second, postgres_cpu_us, .. } = self.figures;
        write!(
            f,
            "{workload:6} {load:5} {subject:7} {requests_per_second:6.0}/s, PostgreSQL {postgres_cpu_us:5.1} µs"
        )?;
        if let Some(cpu) = self.figures.server_cpu_us {
            write!(f, ", server {cpu:5.1} µs")?;
        }
        if let Some(Latency { mean, p50, p95, p99 }) = self.figures.latency {
            write!(f, ", ms: mean {mean:.1}, p50 {p50:.1}, p95 {p95:.1}, p99 {p99:.1}")?;
        }
        if let Some(resident) = self.figures.resident_mib {
            write!(f, ", {resident:.0} MiB")?;
        }
        if self.figures.errors > 0 { write!(f, ", {} ERRORS", self.figures.errors) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(Latency::of(times), Some(Latency { mean: 100.5, p50: 101.0, p95: 191.0, p99: 199.0 }));
    }

    #[test]
    fn one_time_is_every_percentile_and_none_has_no_latency() {
        let times = vec![Duration::from_millis(7)];
        assert_eq!(Latency::of(times), Some(Latency { mean: 7.0, p50: 7.0, p95: 7.0, p99: 7.0 }));
        assert_eq!(Latency::of(Vec::new()), None);
    }
}
