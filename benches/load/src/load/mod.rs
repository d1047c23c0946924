//! The load: users, what they ask for, and the connections that send it.

pub mod client;
pub mod generator;
pub mod users;
pub mod workload;
