//! What a run starts: PostgreSQL, pgbench and the servers.

pub mod cluster;
pub mod pgbench;
pub mod server;
