//! Servers that start while their database can't be reached.

use serde_json::Value;

use crate::{
    skip,
    support::{
        SECRET, TestDb, cluster::scratch_dir, command::tandem, eventually, instance::Instance, network::Network,
    },
};

/// An empty database behind a network, and its URL.
async fn behind_a_network() -> Option<(TestDb, Network, String)> {
    let db = TestDb::empty().await?;
    let network = Network::to(url::Url::parse(db.url()).unwrap().port().unwrap_or(5432)).await;
    let url = format!("{}?connect_timeout=1", network.url(db.url()));
    Some((db, network, url))
}

/// The warnings about attempts that failed.
fn failures(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let messages = lines.filter_map(|line| line["message"].as_str().map(ToOwned::to_owned));
    messages.filter(|message| message.starts_with("can't ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_survives_the_loss_of_any_of_its_connections_and_says_what_it_was_doing() {
    for (before, step) in
        ["check the pooler", "check the pooler", "migrate the database", "prove the isolation of users"]
            .iter()
            .enumerate()
    {
        let Some((_db, network, url)) = behind_a_network().await else { skip!(Postgres) };
        network.lose_one_after(before);
        // One that ended would have been started again, with a new log.
        let server = Instance::start(&url, &[]).await;
        let failures = failures(&server.log());
        let [failure] = failures.as_slice() else { panic!("{before}: {failures:?}") };
        assert!(failure.starts_with(&format!("can't {step}: no connection within 1s. Check that")), "{failure}");
        assert!(failure.contains("Trying again for"), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_a_database_that_refuses_connections_and_not_for_one_that_refuses_its_login() {
    let Some((db, network, url)) = behind_a_network().await else { skip!(Postgres) };
    network.cut(true);
    let starting = Instance::start(&url, &[]);
    let mend = async {
        eventually("a server tries to connect", async || network.refused() > 2).await;
        network.cut(false);
    };
    let (server, ()) = tokio::join!(starting, mend);
    let failures = failures(&server.log());
    assert!(failures.len() > 2, "{failures:?}");

    let missing = format!("{}_missing", db.url());
    let mut command = tandem(&scratch_dir(), &["--port", "0"]);
    command.env("DATABASE_URL", missing).env("BETTER_AUTH_SECRET", SECRET).stderr(std::process::Stdio::piped());
    let refused = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let log = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && log.contains("does not exist") && !log.contains("Trying again"), "{log}");
}
