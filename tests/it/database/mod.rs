//! PostgreSQL: its schema, what it is sent, and the days on which it or the way to it fails.

mod citus;
mod failover;
mod faults;
mod migrations;
mod outage;
mod pipeline;
mod plans;
mod poolers;
mod soak;
mod tls;
mod upgrade;
