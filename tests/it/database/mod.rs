//! PostgreSQL: its schema, the statements it gets, and its failures.

mod citus;
mod failover;
mod faults;
mod migrations;
mod outage;
mod pipeline;
mod plans;
mod poolers;
mod silence;
mod soak;
mod start;
mod tls;
mod upgrade;
