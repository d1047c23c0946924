//! One measurement: one workload of one subject under one kind of load.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::{load::workload::Workload, subject::Subject};

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// The next one when the last one is answered, on few connections.
    Few,
    /// The same on 1,000 connections.
    Many,
    /// At half the rate of `Many`, whenever the last one is answered, on 1,000 connections.
    Paced,
}

impl Load {
    pub fn name(self) -> &'static str {
        match self {
            Self::Few => "16",
            Self::Many => "1000",
            Self::Paced => "paced",
        }
    }
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    pub subject: Subject,
    pub workload: Workload,
    pub load: Load,
    pub figures: Figures,
}

/// The figures. What a subject can't say is absent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    pub requests_per_second: f64,
    pub errors: usize,
    pub server_cpu_us: Option<f64>,
    pub postgres_cpu_us: f64,
    pub resident_mib: Option<f64>,
    pub latency: Option<Latency>,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    pub mean: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

impl Latency {
    /// Of the times that answers took, if there were any.
    pub fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let millis = |time: &Duration| time.as_secs_f64() * 1000.0;
        let at =
            |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).map(millis);
        let mean = times.iter().map(millis).sum::<f64>() / count(times.len());
        Some(Self { mean, p50: at(50)?, p95: at(95)?, p99: at(99)? })
    }
}

/// A number of things as a float, which it fits into.
pub fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, workload, load, figures } = self;
        write!(f, "{:6} {:5} {:7} {figures}", workload.name(), load.name(), subject.name())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6.0}/s, PostgreSQL {:5.1} µs", self.requests_per_second, self.postgres_cpu_us)?;
        if let Some(cpu) = self.server_cpu_us {
            write!(f, ", server {cpu:5.1} µs")?;
        }
        if let Some(Latency { mean, p50, p95, p99 }) = self.latency {
            write!(f, ", ms: mean {mean:.1}, p50 {p50:.1}, p95 {p95:.1}, p99 {p99:.1}")?;
        }
        if let Some(resident) = self.resident_mib {
            write!(f, ", {resident:.0} MiB")?;
        }
        if self.errors > 0 { write!(f, ", {} ERRORS", self.errors) } else { Ok(()) }
    }
}
