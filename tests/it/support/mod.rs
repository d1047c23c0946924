//! What tests stand on: a real PostgreSQL, the real router, real tokens.

pub mod app;
pub mod better_auth;
pub mod cluster;
pub mod db;
pub mod issuer;
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

/// Waits for a condition, and fails the test if it never comes.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
