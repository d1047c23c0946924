//! The load: which requests are sent, as which users, over which connections.

pub mod client;
pub mod generator;
pub mod requests;
pub mod users;
pub mod workload;
