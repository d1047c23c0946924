//! The settings by group. Rules across groups are in [`super::Config`].

mod connections;
mod database;
mod graphql;
mod logs;
mod rate_limits;
pub(super) mod server;
mod tokens;

pub use self::{
    connections::ConnectionLimits, database::DatabaseSettings, graphql::GraphqlSettings, logs::LogSettings,
    rate_limits::RateLimitSettings, server::ServerSettings, tokens::TokenSettings,
};
