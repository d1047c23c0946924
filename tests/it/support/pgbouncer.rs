//! A private `PgBouncer` in transaction mode, between the tested code and the cluster of this run, if `TEST_PGBOUNCER=1`.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use super::cluster::{Cluster, as_account, free_port, run_dir, watch};

/// The first version that keeps track of prepared statements, so that a client finds its own on every connection.
pub(super) const TRACKS_STATEMENTS: (u32, u32) = (1, 21);

pub struct PgBouncer {
    /// Its loopback port.
    pub port: u16,
    /// Whether statements that a client has prepared are there on whichever connection it gets.
    pub tracks_statements: bool,
}

impl PgBouncer {
    /// The one of this run, if it has one.
    pub fn shared() -> Option<&'static Self> {
        static POOLER: OnceLock<Option<PgBouncer>> = OnceLock::new();
        let is_wanted = || std::env::var("TEST_PGBOUNCER").is_ok_and(|value| value == "1");
        POOLER.get_or_init(|| Cluster::shared().filter(|_| is_wanted()).map(Self::start)).as_ref()
    }

    fn start(cluster: &Cluster) -> Self {
        let program = program().expect("TEST_PGBOUNCER=1, but there is no pgbouncer here");
        let tracks_statements = version(&program) >= TRACKS_STATEMENTS;
        let (dir, account) = run_dir();
        let pooler = Self { port: free_port(), tracks_statements };
        fs::write(dir.join("users"), "\"app\" \"\"\n\"postgres\" \"\"\n").expect("users");
        fs::write(dir.join("pgbouncer.ini"), pooler.settings(cluster, &dir)).expect("settings");
        let mut command = as_account(Command::new(program), account);
        command.arg("-d").arg(dir.join("pgbouncer.ini")).current_dir("/").stdin(Stdio::null());
        let started = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("pgbouncer");
        assert!(started.success(), "pgbouncer ended: {}", fs::read_to_string(dir.join("log")).unwrap_or_default());
        watch(&dir, &format!("kill \"$(cat '{}/pid')\"", dir.display()), account);
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", pooler.port)).is_err() {
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "pgbouncer doesn't listen: {log}");
            thread::sleep(Duration::from_millis(10));
        }
        pooler
    }

    /// Start-up options are refused, as they are by default.
    fn settings(&self, cluster: &Cluster, dir: &Path) -> String {
        let (port, cluster, dir) = (self.port, cluster.port, dir.display());
        let tracking = if self.tracks_statements { "max_prepared_statements = 200\n" } else { "" };
        format!(
            "[databases]\n* = host=127.0.0.1 port={cluster}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {dir}/users\n\
             logfile = {dir}/log\npidfile = {dir}/pid\npool_mode = transaction\nmax_client_conn = 2000\ndefault_pool_size = 4\n{tracking}"
        )
    }
}

pub(super) fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian installs it where only root's path leads.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}

pub(super) fn version(program: &Path) -> (u32, u32) {
    let output = Command::new(program).arg("--version").output().expect("pgbouncer's version");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers = text.split_whitespace().nth(1).unwrap_or_default();
    let mut numbers = numbers.split('.').map_while(|number| number.parse().ok());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}
