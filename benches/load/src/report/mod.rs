//! What a run prints and draws.

pub mod bars;
pub mod chart;
pub mod table;
