//! A private PostgreSQL cluster, made with this machine's binaries and removed at the end.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Commits don't wait for the disk, so that processors are measured and not the disk. There is no background work, and
/// no measurement pays for the checkpoint before it.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c synchronous_commit=off -c autovacuum=off -c shared_buffers=512MB \
     -c full_page_writes=off -c max_wal_size=8GB -c checkpoint_timeout=1h";

/// The planner's options that the product connects with (`src/store/connection/connect.rs`), for pgbench and the floor.
pub const PLANS: &str = "-c plan_cache_mode=force_generic_plan -c enable_sort=off -c jit=off";
/// The default of the product's `DATABASE_POOL_SIZE`, for pgbench and the floor.
pub const POOL_SIZE: usize = 16;

/// Who runs PostgreSQL where root may not.
struct Account {
    user: u32,
    group: u32,
}

pub struct Cluster {
    /// The folder of PostgreSQL's programs.
    programs: PathBuf,
    account: Option<Account>,
    dir: TempDir,
    port: u16,
    /// The id of the process whose children are all of PostgreSQL's.
    pub postmaster: u32,
}

impl Cluster {
    pub fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tandem-load-").tempdir()?;
        let is_root = fs::metadata(dir.path())?.uid() == 0;
        let account = if is_root { Some(Account::postgres()?) } else { None };
        if let Some(Account { user, group }) = account {
            std::os::unix::fs::chown(dir.path(), Some(user), Some(group))?;
        }
        let mut cluster = Self { programs: programs()?, account, dir, port: free_port()?, postmaster: 0 };
        cluster.run("initdb", &["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"])?;
        let options =
            format!("-p {} -c unix_socket_directories={} {SETTINGS}", cluster.port, cluster.dir.path().display());
        cluster.run("pg_ctl", &["-D", "data", "-l", "log", "-w", "-o", &options, "start"])?;
        let pid = fs::read_to_string(cluster.dir.path().join("data/postmaster.pid"))?;
        cluster.postmaster = pid.lines().next().context("no process id")?.parse()?;
        Ok(cluster)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// One of PostgreSQL's programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<()> {
        let mut command = Command::new(self.program(program));
        if let Some(Account { user, group }) = self.account {
            command.uid(user).gid(group);
        }
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null());
        ensure!(command.status()?.success(), "{program} failed");
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.postmaster > 0
            && let Err(error) = self.run("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "stop"])
        {
            eprintln!("{error}");
        }
    }
}

/// The folder of Debian's newest version, or one on the path.
fn programs() -> Result<PathBuf> {
    let mut debian: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs = debian.into_iter().rev().chain(std::env::split_paths(&path));
    let has_all = |dir: &PathBuf| ["initdb", "pg_ctl", "pgbench"].iter().all(|program| dir.join(program).is_file());
    dirs.find(has_all).context("no PostgreSQL binaries: initdb, pg_ctl, pgbench")
}

impl Account {
    fn postgres() -> Result<Self> {
        let accounts = fs::read_to_string("/etc/passwd")?;
        let line = accounts.lines().find(|line| line.starts_with("postgres:")).context("no account named postgres")?;
        let mut ids = line.split(':').skip(2).map(str::parse);
        Ok(Self { user: ids.next().context("no user id")??, group: ids.next().context("no group id")?? })
    }
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
