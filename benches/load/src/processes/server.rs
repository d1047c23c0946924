//! A server that is measured: a process of its own, killed at the end.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::time::{sleep, timeout};

use super::cluster::{Cluster, free_port};
use crate::load::client::{Client, http};

/// What signs the tokens.
pub const SECRET: &str = "a-secret-that-is-for-measuring-only";
/// How long a server may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

pub struct Server {
    process: Child,
    pub address: SocketAddr,
}

impl Server {
    /// The product as it would be run, but for rate limits. It logs from this level on: with `info`, each request.
    pub async fn product(binary: &Path, cluster: &Cluster, log_level: &str) -> Result<Self> {
        let mut command = Command::new(binary.canonicalize().with_context(|| binary.display().to_string())?);
        command.env("RUST_LOG", log_level).env("RATE_LIMITS", "false").env("BETTER_AUTH_SECRET", SECRET);
        command.env("SHUTDOWN_DELAY", "0s").env("LOG_FORMAT", "json");
        Self::start(command, cluster, "product.log").await
    }

    pub async fn floor(cluster: &Cluster) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--secret", SECRET]);
        Self::start(command, cluster, "floor.log").await
    }

    async fn start(mut command: Command, cluster: &Cluster, log: &str) -> Result<Self> {
        let port = free_port()?;
        let log = cluster.dir().join(log);
        command.env("DATABASE_URL", cluster.url()).env("PORT", port.to_string()).current_dir(cluster.dir());
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let server = Self { process, address: (Ipv4Addr::LOCALHOST, port).into() };
        let listening = timeout(START_TIMEOUT, async {
            loop {
                match Client::connect(server.address).await {
                    Ok(client) => return client,
                    Err(_) => sleep(PAUSE).await,
                }
            }
        });
        let log = || format!("the server doesn't start: {}", fs::read_to_string(&log).unwrap_or_default());
        let mut client = listening.await.with_context(log)?;
        client.send(&http("GET", "/livez", "", "")).await?;
        Ok(server)
    }

    /// Stops it gracefully, so that it writes its profile.
    pub fn stop(mut self) -> Result<()> {
        let signalled = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        ensure!(signalled.success() && self.process.wait()?.success(), "the server didn't stop cleanly");
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait()) {
            eprintln!("{error}");
        }
    }
}
