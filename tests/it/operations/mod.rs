//! The binary as operators see it: settings, commands, logs, metrics, traces.

mod backup;
mod compose;
mod doctor;
mod lifecycle;
mod logs;
mod metrics;
mod monitoring;
mod process;
mod settings;
#[cfg(feature = "otlp")]
mod traces;
