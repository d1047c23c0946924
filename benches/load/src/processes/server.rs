//! A server that is measured: a process of its own, killed at the end.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::sleep;

use crate::{
    load::client::Client,
    load::workload::http,
    processes::cluster::{Cluster, free_port},
};

/// What signs the tokens.
pub const SECRET: &str = "a-secret-that-is-for-measuring-only";
/// How often a server is asked whether it is there, in steps of [`PAUSE`].
const PATIENCE: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

pub struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// The product as it would be run. From the level `warn` on, it logs no line for each request.
    pub async fn product(binary: &Path, cluster: &Cluster, log: &str) -> Result<Self> {
        let mut command = Command::new(binary.canonicalize().with_context(|| binary.display().to_string())?);
        command.env("RUST_LOG", log).env("RATE_LIMITS", "false").env("BETTER_AUTH_SECRET", SECRET);
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
        let log = File::create(cluster.dir().join(log))?;
        command.env("DATABASE_URL", cluster.url()).env("PORT", port.to_string()).current_dir(cluster.dir());
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let server = Self { process, address: (Ipv4Addr::LOCALHOST, port).into() };
        server.wait_until_live().await?;
        Ok(server)
    }

    /// Lets it end by itself.
    pub fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.process().to_string()]).status()?;
        ensure!(asked.success() && self.process.wait()?.success(), "the server didn't stop as it should");
        Ok(())
    }

    async fn wait_until_live(&self) -> Result<()> {
        for _ in 0..PATIENCE {
            if let Ok(mut client) = Client::connect(self.address).await {
                client.send(http("GET", "/livez", "", "").as_bytes()).await?;
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        bail!("the server doesn't answer")
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn process(&self) -> u32 {
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
