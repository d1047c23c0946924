//! One private PostgreSQL cluster for the whole run, from the binaries of this machine if there are any.
//!
//! `initdb` and `postgres` refuse to run as root, so root runs them as another user. A watchdog process stops the
//! cluster and removes its files when this process ends, however it ends.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A running PostgreSQL server.
pub struct Cluster {
    /// The directory of its sockets, its data and its log.
    pub dir: PathBuf,
    /// Its loopback port.
    pub port: u16,
    bin: PathBuf,
    account: Option<(u32, u32)>,
}

/// Holds the pipe whose closing wakes the watchdog.
static WATCHDOGS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

impl Cluster {
    /// The cluster of this run; `None` when this machine has no PostgreSQL, or when the embedded database is to be used.
    pub fn shared() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER.get_or_init(|| (!is_embedded_run()).then(|| Self::start("")).flatten()).as_ref()
    }

    /// A cluster of its own, for a test that stops it; `None` when this machine has no PostgreSQL.
    pub fn private() -> Option<Self> {
        Self::shared().and_then(|_| Self::start(""))
    }

    /// A private one that doesn't lose commits in a crash.
    pub fn durable() -> Option<Self> {
        Self::shared().and_then(|_| Self::start("synchronous_commit = on\nfull_page_writes = on\n"))
    }

    /// A private one that offers TLS with this certificate, on which the role `app` has to log in with TLS and a password.
    pub fn encrypted(certificate: &str, key: &str) -> Option<Self> {
        let cluster = Self::private()?;
        cluster.down();
        let rules = "local all all trust\nhostssl all app all scram-sha-256\nhost all postgres all trust\n";
        for (name, text) in [("server.crt", certificate), ("server.key", key), ("pg_hba.conf", rules)] {
            let file = cluster.dir.join("data").join(name);
            fs::write(&file, text).expect("a file of the server");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the server's own file");
            if let Some((uid, gid)) = cluster.account {
                chown(&file, Some(uid), Some(gid)).expect("giving the file away");
            }
        }
        cluster.write_settings("ssl = on\n");
        cluster.up();
        Some(cluster)
    }

    fn start(more_settings: &str) -> Option<Self> {
        let bin = binaries()?;
        let (dir, account) = run_dir();
        let cluster = Self { dir, port: free_port(), bin, account };
        let data = cluster.data();
        cluster.pg(
            "initdb",
            &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        );
        cluster.write_settings(more_settings);
        cluster.watch();
        cluster.up();
        Some(cluster)
    }

    fn watch(&self) {
        let data = self.data();
        // A test may have frozen it.
        let wake = format!("kill -CONT \"$(head -n 1 '{data}/postmaster.pid')\"");
        let stop = format!("{wake}; '{}' -D '{data}' -m immediate -s stop", self.bin.join("pg_ctl").display());
        watch(&self.dir, &stop, self.account);
    }

    /// Starts the server and waits until it accepts connections.
    pub fn up(&self) {
        let log = self.log_file().display().to_string();
        self.pg("pg_ctl", &["-D", &self.data(), "-l", &log, "-w", "-t", "60", "-s", "start"]);
    }

    /// Stops the server; connections are closed.
    pub fn down(&self) {
        self.pg("pg_ctl", &["-D", &self.data(), "-m", "fast", "-s", "stop"]);
    }

    /// Stops the server as a crash does: it recovers when it is started again.
    pub fn crash(&self) {
        self.pg("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-s", "stop"]);
    }

    /// Suspends every process of the server until the result is dropped: connections stay open, and
    /// nothing responds.
    pub async fn freeze(&self) -> Frozen {
        let admin = super::db::connect(&self.url("postgres", "postgres")).await;
        let rows = admin.query("SELECT pid::text FROM pg_stat_activity", &[]).await.expect("the backends");
        let postmaster = fs::read_to_string(self.dir.join("data/postmaster.pid")).expect("a running server");
        let mut pids = vec![postmaster.lines().next().expect("a pid").to_owned()];
        pids.extend(rows.iter().map(|row| row.get(0)));
        Frozen::new(pids)
    }

    /// A running standby of this server.
    pub fn standby(&self) -> Self {
        let (dir, account) = run_dir();
        let standby = Self { dir, port: free_port(), bin: self.bin.clone(), account };
        let (port, data) = (self.port.to_string(), standby.data());
        let args = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-D", &data, "-R", "-X", "stream", "-c", "fast"];
        standby.pg("pg_basebackup", &args);
        standby.write_settings("");
        standby.watch();
        standby.up();
        standby
    }

    /// Makes a standby the primary, and waits until it is.
    pub fn promote(&self) {
        self.pg("pg_ctl", &["-D", &self.data(), "-w", "-s", "promote"]);
    }

    /// The URL of a database for a login role.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("log")
    }

    fn data(&self) -> String {
        self.dir.join("data").display().to_string()
    }

    fn write_settings(&self, more: &str) {
        let settings = format!(
            "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\nmax_connections = 400\n\
             listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nlog_line_prefix = '[%d] '\n{more}",
            self.port,
            self.dir.display()
        );
        let mut file =
            fs::OpenOptions::new().append(true).open(self.dir.join("data/postgresql.conf")).expect("settings");
        file.write_all(settings.as_bytes()).expect("settings");
    }

    /// The output of a program of this server's version with this on its standard input.
    pub fn run(&self, program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = as_account(Command::new(self.bin.join(program)), self.account);
        command.args(args).current_dir(&self.dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a program of PostgreSQL");
        process.stdin.take().expect("its input").write_all(input).expect("its input");
        let done = process.wait_with_output().expect("its output");
        assert!(done.status.success(), "{program} {args:?} failed");
        done.stdout
    }

    fn pg(&self, program: &str, args: &[&str]) {
        let mut command = as_account(Command::new(self.bin.join(program)), self.account);
        let status = command.args(args).current_dir(&self.dir).stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "{program} failed: {}", self.log());
    }
}

/// Processes that are suspended until this is dropped.
pub struct Frozen {
    pids: Vec<String>,
}

impl Frozen {
    fn new(pids: Vec<String>) -> Self {
        signal("-STOP", &pids);
        Self { pids }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("-CONT", &self.pids);
    }
}

/// Some may have ended meanwhile, so errors are ignored.
fn signal(name: &str, pids: &[String]) {
    let done = Command::new("kill").arg(name).args(pids).stderr(Stdio::null()).status();
    done.expect("kill");
}

/// Whether the tests of this run are to use embedded databases.
pub fn is_embedded_run() -> bool {
    std::env::var("TEST_DATABASE").as_deref() == Ok("embedded")
}

/// A directory that is removed when this process ends. The account is the one that owns it, if not our own.
pub fn scratch_dir() -> PathBuf {
    let dir = tempfile::Builder::new().prefix("tandem-test-").tempdir().expect("a directory").keep();
    watch(&dir, "true", None);
    dir
}

/// A directory that PostgreSQL or a pooler can use, and the account that owns it, if not our own.
pub fn run_dir() -> (PathBuf, Option<(u32, u32)>) {
    let dir = tempfile::Builder::new().prefix("tandem-test-").tempdir().expect("a directory").keep();
    let account = is_root(&dir).then(other_account);
    if let Some((uid, gid)) = account {
        chown(&dir, Some(uid), Some(gid)).expect("giving the directory away");
    }
    (dir, account)
}

fn is_root(own: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(own).is_ok_and(|metadata| metadata.uid() == 0)
}

/// The user and group ids of `postgres`, else of `nobody`.
fn other_account() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").expect("the accounts of this machine");
    let find = |name: &str| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(str::parse);
        Some((ids.next()?.ok()?, ids.next()?.ok()?))
    };
    find("postgres").or_else(|| find("nobody")).expect("an account other than root's")
}

pub fn as_account(mut command: Command, account: Option<(u32, u32)>) -> Command {
    use std::os::unix::process::CommandExt;
    if let Some((uid, gid)) = account {
        command.uid(uid).gid(gid);
    }
    command
}

/// Starts a process that waits for this one to end, then stops the server and removes the directory.
pub fn watch(dir: &Path, stop: &str, account: Option<(u32, u32)>) {
    use std::os::unix::process::CommandExt;
    let script = format!("read -r _; {stop} >/dev/null 2>&1; rm -rf '{}'", dir.display());
    let mut command = as_account(Command::new("sh"), account);
    command.args(["-c", &script]).current_dir("/").process_group(0);
    let watchdog = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    WATCHDOGS.lock().expect("the watchdogs").push(watchdog.expect("a shell"));
}

/// The newest PostgreSQL server on the path or where Debian keeps it.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<_> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    debian.sort();
    let debian = debian.into_iter().rev().map(|version| version.join("bin"));
    let has_server = |dir: &PathBuf| ["initdb", "postgres", "pg_ctl"].iter().all(|program| dir.join(program).is_file());
    let found = std::env::split_paths(&path).chain(debian).find(has_server)?;
    // A symbolic link on the path points to where its sibling programs are.
    found.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned)
}

/// A port for a server that may take a while to start, or is started again: not one of those that the system hands out to
/// clients, who would take it meanwhile. Processes and calls begin at different ones.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 22_000;
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(101);
    loop {
        let offset = start.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
