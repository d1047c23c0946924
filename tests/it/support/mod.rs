//! What tests are built on: a real PostgreSQL, the real router, real tokens.

pub mod answer;
pub mod app;
pub mod balancer;
pub mod better_auth;
pub mod citus;
pub mod cluster;
pub mod command;
pub mod db;
pub mod events;
pub mod followers;
pub mod hostile;
pub mod http2;
pub mod instance;
pub mod issuer;
pub mod ledger;
pub mod lock;
pub mod migrations;
pub mod need;
pub mod network;
pub mod node;
pub mod one_task;
pub mod pgbouncer;
pub mod pooler;
pub mod proxy;
mod pushers;
pub mod recording;
pub mod replica;
pub mod rows;
pub mod server;
pub mod socket;
pub mod stream;
pub mod token;
pub mod user;
mod watcher;

pub use answer::Answer;
pub use app::App;
pub use db::TestDb;
pub use lock::Lock;
pub use need::Need;
pub use one_task::OneTask;
pub use rows::check_all;
use serde_json::Value;
pub use token::{SECRET, token};
pub use user::{Call, User};

/// The id of a task, or of any other object.
#[track_caller]
pub fn id_of(task: &Value) -> &str {
    task["id"].as_str().unwrap_or_else(|| panic!("no id in {task}"))
}

/// REST's path of a task.
#[track_caller]
pub fn path_of(task: &Value) -> String {
    format!("/api/tasks/{}", id_of(task))
}

/// An HTTP client that ignores the machine's proxy settings.
pub fn http_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// Waits for a condition; the test fails if it never holds.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
