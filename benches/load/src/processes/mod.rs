//! The processes of a run: PostgreSQL, pgbench and the servers.

pub mod cluster;
pub mod pgbench;
pub mod server;
