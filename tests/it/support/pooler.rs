//! A `PgBouncer` of the test's own, in any pool mode. The one of the whole run is in `pgbouncer.rs`.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use super::{
    cluster::{as_account, free_port, run_dir},
    pgbouncer::{TRACKS_STATEMENTS, program, version},
};

/// A running pooler, which is stopped on drop.
pub struct Pooler {
    process: Child,
    port: u16,
}

impl Pooler {
    /// In front of the database of this URL, in this pool mode; `None` where there is none. It keeps no track of prepared
    /// statements: Debian's can't, newer ones are told not to.
    pub async fn before(url: &str, mode: &str) -> Option<Self> {
        let (url, program) = (url::Url::parse(url).unwrap(), program()?);
        let untracked = if version(&program) >= TRACKS_STATEMENTS { "max_prepared_statements = 0\n" } else { "" };
        let (dir, account) = run_dir();
        let port = free_port();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = 4\nmax_client_conn = 500\n{untracked}",
            url.port().unwrap_or(5432),
            url.username(),
        );
        let file = dir.join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let mut command = as_account(Command::new(program), account);
        let process =
            command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let bouncer = Self { process, port };
        let is_up = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        super::eventually("PgBouncer listens", is_up).await;
        Some(bouncer)
    }

    /// This URL through PgBouncer.
    pub fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.to_string()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
