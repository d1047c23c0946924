//! Tandem is a multi-user task backend with two doors, GraphQL and REST, on one isolated data path.
//!
//! A request comes in through [`router`], which knows the routes. [`auth`] turns its bearer token into a
//! [`auth::CurrentUser`]. The door, [`graphql`] or [`rest`], reads its input and calls one of the [`resolvers`], which
//! hold the rules both doors share. Those reach the database only through [`store::UserTasks`], a handle that belongs to
//! one user, and PostgreSQL's row-level security says the same once more.
//!
//! Below everything stand [`task`], the domain's plain types, [`error`], what can go wrong, and [`telemetry`], logs and metrics. Above everything stand
//! [`server`], which puts the house together, and [`cli`], the commands, with [`config`].
//!
//! Modules depend downwards only: `error`, `task`, `telemetry` ← `auth` ← `store` ← `resolvers` ← `graphql` ← `state` ← `rest` ←
//! `router` ← `server` ← `cli`. The two doors never depend on each other; `state` holds what the handlers of both share.

pub mod auth;
pub mod cli;
pub mod config;
mod data_dir;
pub mod database;
pub mod development;
pub mod error;
pub mod graphql;
pub mod health;
pub mod http;
pub mod resolvers;
pub mod rest;
pub mod router;
pub mod server;
mod setting;
pub mod state;
pub mod store;
pub mod task;
pub mod telemetry;
