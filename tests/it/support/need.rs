//! What a test needs on the machine. Without it the test is skipped, or fails if the run requires it.

use std::io::Write;

/// Something that isn't on every machine.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// A PostgreSQL server; the embedded database has one connection.
    Postgres,
    /// Node, npm and the packages of a project.
    Node,
    /// diesel's command-line tool.
    DieselCli,
    /// Python with its database of time zones.
    Python,
    /// The connection pooler.
    PgBouncer,
    /// A cluster of Citus.
    Citus,
    /// The collector of metrics, with its tools.
    Prometheus,
}

impl Need {
    /// Set to 1, this makes a skip a failure.
    fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "REQUIRE_POSTGRES",
            Self::Node => "REQUIRE_NODE",
            Self::DieselCli => "REQUIRE_DIESEL_CLI",
            Self::Python => "REQUIRE_PYTHON",
            Self::PgBouncer => "REQUIRE_PGBOUNCER",
            Self::Citus => "REQUIRE_CITUS",
            Self::Prometheus => "REQUIRE_PROMETHEUS",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Postgres if super::cluster::is_embedded_run() => {
                "needs a second connection, and an embedded database has one"
            }
            Self::Postgres => "needs a PostgreSQL server, and this machine has none",
            Self::Node => "needs Node",
            Self::Python => "needs python3 and a database of time zones: the package tzdata",
            Self::PgBouncer => "needs PgBouncer, from the package pgbouncer",
            Self::Citus => "needs a Citus cluster, as the URL of a superuser on its coordinator: TEST_CITUS_URL",
            Self::Prometheus => "needs prometheus: PATH=\"$(.ci/prometheus):$PATH\"",
            Self::DieselCli => "needs diesel_cli: cargo install diesel_cli --no-default-features --features postgres",
        }
    }

    /// Whether the run requires it.
    pub fn is_required(self) -> bool {
        std::env::var(self.variable()).is_ok_and(|value| value == "1")
    }

    /// Says that the running test is skipped, even though it passes; panics if the run requires it.
    pub fn skip(self, detail: &str) {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let reason = format!("{test} {} {detail}", self.reason());
        assert!(!self.is_required(), "{}=1, but {reason}", self.variable());
        // Not `eprintln!`, which the harness hides for a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: {}", reason.trim_end());
    }
}

/// Ends the test early where something it needs isn't there.
#[macro_export]
macro_rules! skip {
    ($need:ident, $($detail:tt)+) => {{
        $crate::support::Need::$need.skip(&format!($($detail)+));
        return;
    }};
    ($need:ident) => {{
        $crate::support::Need::$need.skip("");
        return;
    }};
}
