//! The integration tests: one binary, with a folder for each topic and a file for each kind of behaviour.
#![allow(clippy::allow_attributes, reason = "test code is not held to the lints of the library")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

mod auth;
mod database;
mod feed;
mod fuzz;
mod graphql;
mod http;
mod isolation;
mod moving;
mod operations;
mod rest;
mod tasks;
mod web;
