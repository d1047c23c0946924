//! PostgreSQL inside this process, for running without a database server.
//!
//! It has one backend, so one connection at a time. Clients reach it over a Unix socket: over TCP, Nagle's algorithm and
//! delayed acknowledgements wait for each other, which is a hundred times slower.

#[cfg(unix)]
mod socket_dir;

use std::{io, path::Path, thread, time::Duration};

use pglite_oxide::{PgliteServer, PgliteServerBuilder};
use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};

use super::connection::target::Target;
use crate::{
    data_dir::create_private,
    error::{Error, Result},
};

/// How many connections it serves at once.
pub const POOL_SIZE: u32 = 1;
/// How long it may take to stop. A connection that is still at work keeps it from doing so.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A running embedded database. It stops when it is closed or dropped; what is committed survives either.
pub struct Embedded {
    server: Option<PgliteServer>,
    target: Target,
    #[cfg(unix)]
    _socket_dir: tempfile::TempDir,
}

impl Embedded {
    /// Opens the database in a data directory, and creates both if need be.
    pub async fn open(data_dir: &Path) -> Result<Self> {
        let data_dir = data_dir.to_owned();
        let opened = spawn_blocking(move || open(&data_dir)).await.map_err(Error::internal)?;
        opened.map_err(|error| Error::internal(format!("can't open the embedded database: {error}")))
    }

    /// How to reach it. Close all connections before closing the database.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Stops it and waits until it has, for a while: a database that doesn't stop must not keep the process from ending.
    pub async fn close(mut self) -> Result<()> {
        let Some(server) = self.server.take() else { return Ok(()) };
        let (done, is_done) = oneshot::channel();
        // Not one of the runtime's threads, which the process waits for.
        thread::spawn(move || done.send(server.shutdown()));
        match timeout(CLOSE_TIMEOUT, is_done).await {
            Ok(Ok(closed)) => {
                closed.map_err(|error| Error::internal(format!("closing the embedded database: {error:#}")))
            }
            _ => Err(Error::internal("the embedded database did not stop in time; what was committed is kept")),
        }
    }
}

impl Drop for Embedded {
    /// It stops when its last connection has closed. The thread that drops it may be the one that is to close them.
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            thread::spawn(move || drop(server));
        }
    }
}

fn open(data_dir: &Path) -> Result<Embedded, String> {
    let explain = |error: io::Error| format!("{}: {error}", data_dir.display());
    create_private(data_dir).map_err(explain)?;
    let data_dir = data_dir.canonicalize().map_err(explain)?;
    let builder = PgliteServer::builder().path(data_dir.join("postgres"));
    start(builder, &data_dir)
}

#[cfg(unix)]
fn start(builder: PgliteServerBuilder, data_dir: &Path) -> Result<Embedded, String> {
    const PORT: u16 = 5432;
    let socket_dir = socket_dir::create(data_dir).map_err(|error| format!("the socket's directory: {error}"))?;
    let socket = socket_dir.path().join(format!(".s.PGSQL.{PORT}"));
    let server = builder.unix(socket).start().map_err(|error| format!("{error:#}"))?;
    // The server holds the lock on the data directory: no other process uses what is there.
    socket_dir::remove_stale(data_dir, &socket_dir);
    let target = Target::socket(socket_dir.path(), PORT, "postgres", "template1");
    Ok(Embedded { server: Some(server), target, _socket_dir: socket_dir })
}

#[cfg(not(unix))]
fn start(builder: PgliteServerBuilder, _: &Path) -> Result<Embedded, String> {
    let server = builder.start().map_err(|error| format!("{error:#}"))?;
    let target = Target::embedded(&server.database_url())?;
    Ok(Embedded { server: Some(server), target })
}
