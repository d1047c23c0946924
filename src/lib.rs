//! Tandem is a multi-user task backend with two APIs, GraphQL and REST, on one isolated data path.
//!
//! A request enters through [`router`]. [`auth`] turns its bearer token into a [`auth::CurrentUser`]. The API, [`graphql`] or
//! [`rest`], reads the input and calls one of the [`resolvers`], which have the rules that both APIs share. They access the
//! database only through [`store::UserTasks`], a handle that belongs to one user; PostgreSQL's row-level security enforces the
//! same rule again.
//!
//! [`task`] has the domain's types, [`error`] its errors, [`telemetry`] logs, metrics and traces. [`config`] has the settings,
//! [`server`] runs everything, [`cli`] has the commands, and [`moving`] takes tasks in from other backends. `docs/ARCHITECTURE.md` is the overview.

pub mod auth;
pub mod cli;
pub mod config;
mod data_dir;
pub mod error;
pub mod graphql;
pub mod http;
pub mod live;
pub mod moving;
pub mod resolvers;
pub mod rest;
pub mod router;
pub mod server;
mod setting;
pub mod state;
pub mod store;
pub mod task;
pub mod telemetry;
mod timer;
pub mod web;
