//! Limits on WebSockets and event streams.

use std::time::Duration;

use clap::Args;

use crate::{
    http::guard::SMALL_BODY,
    setting::{self, HOUR, MILLISECOND, duration, number},
};

/// Higher limits would be no limits.
const MAX: usize = 1_000_000;

/// Settings of WebSockets and event streams.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Streams")]
pub struct StreamLimits {
    /// Maximum number of open WebSockets and event streams; keep it below `MAX_CONNECTIONS`, since each is a connection
    #[arg(
        long = "max-streams",
        env = "MAX_STREAMS",
        value_name = "NUMBER",
        default_value = "3000",
        value_parser = number(1..=MAX)
    )]
    pub streams: usize,
    /// Maximum number of open WebSockets and event streams per user
    #[arg(
        long = "max-streams-per-user",
        env = "MAX_STREAMS_PER_USER",
        value_name = "NUMBER",
        default_value = "50",
        value_parser = number(1..=MAX)
    )]
    pub streams_per_user: usize,
    /// Maximum number of concurrent operations on one WebSocket
    #[arg(
        long = "socket-max-operations",
        env = "SOCKET_MAX_OPERATIONS",
        value_name = "NUMBER",
        default_value = "32",
        value_parser = number(1..=MAX)
    )]
    pub operations: usize,
    /// Maximum bytes in a message that a client sends on a WebSocket
    #[arg(
        long = "socket-max-message",
        env = "SOCKET_MAX_MESSAGE",
        value_name = "BYTES",
        default_value_t = SMALL_BODY,
        value_parser = number(1..=MAX)
    )]
    pub message: usize,
    /// Maximum time until a client has sent `connection_init` on its WebSocket
    #[arg(
        long = "socket-init-timeout",
        env = "SOCKET_INIT_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub init_timeout: Duration,
    /// How often an idle stream sends a heartbeat
    #[arg(
        long = "stream-heartbeat",
        env = "STREAM_HEARTBEAT",
        value_name = "DURATION",
        default_value = "15s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub heartbeat: Duration,
}

impl Default for StreamLimits {
    fn default() -> Self {
        setting::defaults()
    }
}
