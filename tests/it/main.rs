//! The integration tests: one binary, a file for each kind of behaviour.
#![allow(clippy::allow_attributes, reason = "test code is not held to the lints of the library")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

mod answers;
mod arguments;
mod auth;
mod backup;
mod better_auth;
mod bulk;
mod caching;
mod changes;
mod clients;
mod concurrency;
mod connections;
mod differential;
mod doctor;
mod documents;
mod documents_table;
mod errors;
mod failover;
mod fairness;
mod fastapi;
mod faults;
mod feed_ledger;
mod feed_model;
mod formats;
mod fuzz;
mod headers;
mod hostile_tokens;
mod idempotency;
mod isolation;
mod key_sets;
mod late_commits;
mod lifecycle;
mod lists;
mod live;
mod logs;
mod many;
mod metrics;
mod migrations;
mod monitoring;
mod openapi;
mod outage;
mod parity;
mod persisted;
mod pipeline;
mod plans;
mod poolers;
mod process;
mod rate_limits;
mod refused_writes;
mod replay;
mod rest;
mod settings;
mod soak;
mod sockets;
mod streams;
mod tls;
mod token_process;
mod totals;
#[cfg(feature = "otlp")]
mod traces;
mod transport;
mod upgrade;
mod walls;
