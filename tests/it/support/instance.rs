//! The binary as one of several servers on a database, which can be killed and restarted at its address.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use serde_json::Value;

use super::{SECRET, cluster::scratch_dir, command::tandem, eventually, http_client};

pub struct Instance {
    settings: Vec<(String, String)>,
    process: Child,
    address: SocketAddr,
    dir: PathBuf,
}

impl Instance {
    /// On this database, with these settings, on a port of its own.
    pub async fn start(database_url: &str, settings: &[(&str, &str)]) -> Self {
        // Without a line for each request.
        let mut all = vec![
            ("DATABASE_URL", database_url),
            ("BETTER_AUTH_SECRET", SECRET),
            ("RUST_LOG", "warn,tandem::server=info"),
            ("RATE_LIMITS", "false"),
        ];
        all.extend(settings);
        let settings: Vec<_> = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let dir = scratch_dir();
        let process = spawn(&dir, &settings, 0);
        let mut instance = Self { settings, process, address: SocketAddr::from(([127, 0, 0, 1], 0)), dir };
        instance.wait().await;
        instance
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills it, as the kernel does when memory runs out.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, at the address it had.
    pub async fn restart(&mut self) {
        self.kill();
        self.process = spawn(&self.dir, &self.settings, self.address.port());
        self.wait().await;
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap().success());
    }

    /// Stops it as a process manager does, and starts another one at its address.
    pub async fn replace(&mut self) {
        self.stop().await;
        self.restart().await;
    }

    /// Stops it as a process manager does, and waits for its end.
    pub async fn stop(&mut self) {
        self.signal("-TERM");
        eventually("it ends", async || self.process.try_wait().unwrap().is_some()).await;
    }

    /// Where it serves its metrics.
    pub fn metrics_address(&self) -> String {
        self.logged_address("serving metrics").expect("a server that serves metrics").to_string()
    }

    /// A scrape of its metrics.
    pub async fn metrics(&self) -> String {
        let address = self.metrics_address();
        let client = http_client();
        client.get(format!("http://{address}/metrics")).send().await.unwrap().text().await.unwrap()
    }

    /// Resident memory, in KiB.
    pub fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
    }

    /// What it has logged since it was last started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    async fn wait(&mut self) {
        eventually("the server serves", async || {
            if self.process.try_wait().unwrap().is_some() {
                // Restarts it as a process manager does. It may have found the database busy.
                eprintln!("the server ended: {}", self.log());
                self.process = spawn(&self.dir, &self.settings, self.address.port());
            }
            self.logged_address("serving").is_some()
        })
        .await;
        self.address = self.logged_address("serving").unwrap();
    }

    fn logged_address(&self, message: &str) -> Option<SocketAddr> {
        let log = self.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["message"] == message)?["address"].as_str()?.parse().ok()
    }
}

fn spawn(dir: &Path, settings: &[(String, String)], port: u16) -> Child {
    let log = File::create(dir.join("log")).unwrap();
    let settings = settings.iter().map(|(name, value)| (name, value));
    tandem(dir, &["--port", &port.to_string()]).envs(settings).stderr(log).spawn().unwrap()
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
