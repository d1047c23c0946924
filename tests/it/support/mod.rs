//! What tests stand on: a real PostgreSQL, the real router, real tokens.

pub mod app;
pub mod cluster;
pub mod db;
pub mod node;
pub mod proxy;
pub mod token;

pub use app::{Answer, App};
pub use db::TestDb;
pub use token::{SECRET, token};

/// Ends the test early, with a line that says why, where something it needs isn't there.
#[macro_export]
macro_rules! skip {
    ($($why:tt)*) => {{
        eprintln!("skipped: {}", format!($($why)*));
        return;
    }};
}
